// A frontend of numbered close codes: a chat and a stream of notifications, token in the query or in a header.
'use strict';

const assert = require('node:assert/strict');
const { keys } = require('./checks');
const { WebSocket, Inbox, base, causeway, closed, conversation, opened, token, user } = require('./causeway');

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** A socket as the frontend's hook has it: the last message of each type, for whoever renders it. */
class Connection {
  inboxes = {};

  constructor(url, options) {
    this.websocket = new WebSocket(url, [], options);
    this.websocket.onmessage = (event) => {
      const data = JSON.parse(event.data);
      this.inbox(data.type).put(data);
    };
  }

  inbox(type) {
    return (this.inboxes[type] ??= new Inbox());
  }

  sendMessage(payload) {
    this.websocket.send(JSON.stringify(payload));
  }
}

const connectToChat = (id, jwtToken) => new Connection(`${base}/ws/chat/${id}/?token=${jwtToken}`);
const connectToNotifications = (id, jwtToken) => new Connection(`${base}/ws/notifications/${id}/?token=${jwtToken}`);

module.exports = async (check) => {
  const [alice, bob] = [user('Alice'), user('Bob')];
  const group = conversation('group', [alice, bob]);
  const here = connectToChat(group, token(alice));
  const there = new Connection(`${base}/ws/chat/${group}/`, { headers: { Authorization: `Bearer ${token(bob)}` } });
  await Promise.all([opened(here.websocket), opened(there.websocket)]);
  let sent;

  await check('a message has every field of the document', async () => {
    here.sendMessage({ type: 'chat_message', message: 'Hello there!', message_type: 'text' });
    sent = await there.inbox('chat_message').take();
    keys(sent.message, ['id', 'content', 'sender', 'timestamp', 'message_type']);
    assert.ok(Number.isSafeInteger(sent.message.id));
    assert.deepEqual(sent.message.sender, { id: alice, first_name: 'Alice', last_name: 'Doe' });
    assert.match(sent.message.timestamp, time);
  });

  await check('typing, reading and status are told with the user', async () => {
    here.sendMessage({ type: 'typing_indicator', is_typing: true });
    const typing = await there.inbox('typing_indicator').take();
    assert.deepEqual(typing.user, sent.message.sender);
    there.sendMessage({ type: 'mark_read', message_id: sent.message.id });
    const read = await here.inbox('message_read').take();
    assert.deepEqual([read.message_id, read.read_by.id], [sent.message.id, bob]);
    const status = await here.inbox('user_status').take();
    assert.deepEqual(status, { type: 'user_status', user_id: bob, status: 'online' });
  });

  await check('a notification has every field of the document', async () => {
    const stream = connectToNotifications(bob, token(bob));
    await opened(stream.websocket);
    const data = JSON.stringify({ conversation_id: 123, sender_id: 456 });
    causeway('notify', String(bob), '--title', 'New Message', '--message', 'Hi', '--type', 'message', '--data', data);
    const { notification } = await stream.inbox('notification').take();
    keys(notification, ['id', 'title', 'message', 'notification_type', 'timestamp', 'is_read', 'data']);
    assert.deepEqual(notification.data, { conversation_id: 123, sender_id: 456 });
    stream.websocket.close();
  });

  await check('each refusal closes with its number', async () => {
    const refused = async (connection) => (await closed(connection.websocket)).code;
    assert.equal(await refused(connectToChat(group, 'nonsense')), 4001);
    assert.equal(await refused(new Connection(`${base}/ws/chat/${group}/`)), 4003);
    assert.equal(await refused(connectToChat('no-such', token(alice))), 4004);
    assert.equal(await refused(connectToNotifications(bob, token(alice))), 4005);
  });

  here.websocket.close();
  there.websocket.close();
};
