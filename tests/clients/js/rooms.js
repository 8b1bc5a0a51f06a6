// A frontend of typed rooms: it asks over HTTP what a conversation is, and connects to the path of that kind.
'use strict';

const assert = require('node:assert/strict');
const { keys } = require('./checks');
const { WebSocket, Inbox, base, conversation, opened, token, user } = require('./causeway');

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/;
const messageKeys = [
  'id', 'content', 'sender_id', 'sender_name', 'conversation_id', 'timestamp', 'message_type', 'media_url',
  'metadata', 'conversation_type',
];

const getConversationType = async (conversationId, accessToken) => {
  const url = `${base.replace('ws', 'http')}/api/conversations/${conversationId}/`;
  const response = await fetch(url, { headers: { Authorization: `Bearer ${accessToken}` } });
  return (await response.json()).type;
};

const connectToChat = async (conversationId, accessToken) => {
  const paths = { group: 'group', one_to_one: 'one-to-one' };
  const path = paths[await getConversationType(conversationId, accessToken)];
  return new WebSocket(`${base}/ws/${path}/${conversationId}/?token=${accessToken}`);
};

/** A page that shows a room: one inbox for each kind of frame that it handles. */
class Room {
  messages = new Inbox();
  typing = new Inbox();
  receipts = new Inbox();
  reactions = new Inbox();
  presence = new Inbox();

  static async open(conversationId, who) {
    const room = new Room();
    room.socket = await connectToChat(conversationId, token(who));
    room.socket.onmessage = (event) => room.handle(JSON.parse(event.data));
    await opened(room.socket);
    return room;
  }

  handle(data) {
    switch (data.type) {
      case 'message':
        return this.messages.put(data);
      case 'typing':
        return this.typing.put(data);
      case 'read_receipt':
        return this.receipts.put(data);
      case 'reaction':
        return this.reactions.put(data);
      case 'presence':
        return this.presence.put(data);
      case 'heartbeat':
        return undefined;
      default:
        throw new Error(`no such frame: ${JSON.stringify(data)}`);
    }
  }

  send(frame) {
    this.socket.send(JSON.stringify(frame));
  }
}

module.exports = async (check) => {
  const [alice, bob] = [user('Alice'), user('Bob')];
  const group = conversation('group', [alice, bob]);
  const here = await Room.open(group, alice);
  const there = await Room.open(group, bob);
  let sent;

  await check('a message has every field of the document', async () => {
    here.send({ type: 'message', content: 'Hello, this is a test message.', message_type: 'text', metadata: {} });
    sent = await there.messages.take();
    assert.equal(sent.event, 'new_message');
    keys(sent.message, messageKeys);
    assert.match(sent.message.timestamp, time);
    assert.equal(sent.message.sender_id, String(alice));
    assert.equal(sent.message.conversation_type, 'group');
    assert.deepEqual(await here.messages.take(), sent);
  });

  await check('typing, reading, reacting and presence reach their handlers', async () => {
    here.send({ type: 'typing', is_typing: true });
    assert.equal((await there.typing.take()).is_typing, true);
    there.send({ type: 'read', message_id: sent.message.id });
    assert.equal((await here.receipts.take()).message_id, sent.message.id);
    there.send({ type: 'reaction', message_id: sent.message.id, reaction: 'like', action: 'add' });
    assert.equal((await here.reactions.take()).reaction, 'like');
    assert.equal((await here.presence.take((data) => data.user_id === String(bob))).status, 'online');
  });

  await check('the path of a conversation between two is found', async () => {
    const room = await Room.open(conversation('one_to_one', [alice, bob]), bob);
    room.send({ type: 'message', content: 'Hello there!', message_type: 'text', metadata: {} });
    assert.equal((await room.messages.take()).message.conversation_type, 'one_to_one');
    room.socket.close();
  });

  await check('a stranger is refused with 403 before the upgrade', async () => {
    const url = `${base}/ws/group/${group}/?token=${token(user('Eve'))}`;
    await assert.rejects(opened(new WebSocket(url)).catch((event) => { throw event.error; }), /403/);
  });

  here.socket.close();
  there.socket.close();
};
