// The Causeway under test: its address, and its command line for users, conversations and tokens.
//
// CLIENTS_URL      ws://host:port of the bridge
// CLIENTS_COMMAND  the program
// CLIENTS_DATA     its data directory
'use strict';

const { execFileSync } = require('node:child_process');
const WebSocket = require('ws');

const base = process.env.CLIENTS_URL;
const patience = 10_000;
// Ids below these belong to whoever else uses the server.
let next = 500_000;

function causeway(...args) {
  const all = [...args, '--data-dir', process.env.CLIENTS_DATA];
  return execFileSync(process.env.CLIENTS_COMMAND, all, { encoding: 'utf8' }).trim();
}

/** Makes a user and returns the id, which is a number. */
function user(firstName, ...more) {
  const id = next++;
  const names = ['--username', firstName.toLowerCase(), '--first-name', firstName, '--last-name', 'Doe'];
  causeway('user', 'put', String(id), ...names, ...more);
  return id;
}

/** Makes a conversation of a kind and returns its id. */
function conversation(kind, participants, ...more) {
  const id = String(next++);
  const people = participants.flatMap((participant) => ['--participant', String(participant)]);
  causeway('conversation', 'create', '--kind', kind, '--id', id, ...people, ...more);
  return id;
}

function token(id) {
  return causeway('token', '--user', String(id));
}

/** What arrives at a handler, for the one who waits for it. */
class Inbox {
  #waiting = [];
  #arrived = [];

  put(value) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(value);
    else this.#arrived.push(value);
  }

  /** The next that fits; whatever comes before it is passed over. */
  async take(fits = () => true) {
    const deadline = Date.now() + patience;
    for (;;) {
      const value = await this.#next(deadline - Date.now());
      if (fits(value)) return value;
    }
  }

  #next(left) {
    if (this.#arrived.length > 0) return this.#arrived.shift();
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('nothing arrived')), left);
      this.#waiting.push((value) => {
        clearTimeout(late);
        resolve(value);
      });
    });
  }
}

/** Resolves once a frontend's socket is open. */
function opened(socket) {
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
}

/** Resolves with the event by which a socket is closed. */
function closed(socket) {
  return new Promise((resolve) => socket.addEventListener('close', resolve));
}

module.exports = { WebSocket, base, causeway, user, conversation, token, Inbox, opened, closed };
