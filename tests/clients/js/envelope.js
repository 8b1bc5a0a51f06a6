// A frontend of type and data: a service with handlers, which sends a receipt for whatever it gets.
'use strict';

const assert = require('node:assert/strict');
const { keys } = require('./checks');
const { WebSocket, Inbox, base, closed, conversation, opened, token, user } = require('./causeway');

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const messageKeys = [
  'id', 'chat_id', 'sender_id', 'content', 'message_type', 'parent_message_id', 'created_at', 'updated_at', 'sender',
];

class WebSocketService {
  messageHandlers = new Set();

  connect(path, accessToken) {
    this.ws = new WebSocket(`${base}/api/v1/ws/${path}?token=${accessToken}`);
    this.ws.onmessage = (event) => {
      const data = JSON.parse(event.data);
      this.messageHandlers.forEach((handler) => handler(data));
    };
    return opened(this.ws);
  }

  send(type, data) {
    this.ws.send(JSON.stringify({ type, data }));
  }

  sendMessage(content, parentMessageId = null) {
    this.send('send_message', { content, message_type: 'text', parent_message_id: parentMessageId });
  }
}

/** A chat component: it shows messages, answers each with a receipt, and keeps what it is told of others. */
class Chat {
  inboxes = {
    new_message: new Inbox(),
    new_direct_message: new Inbox(),
    typing_indicator: new Inbox(),
    read_receipt: new Inbox(),
  };

  constructor(me) {
    this.me = me;
    this.service = new WebSocketService();
    this.service.messageHandlers.add((data) => this.handle(data));
  }

  handle(data) {
    if (data.type === 'new_message') {
      this.service.send('read_receipt', { message_id: data.data.id, user_id: this.me });
    }
    this.inboxes[data.type]?.put(data.data);
  }
}

module.exports = async (check) => {
  const [alice, bob] = [user('Alice'), user('Bob')];
  const group = conversation('group', [alice, bob]);
  const [here, there] = [new Chat(alice), new Chat(bob)];
  await here.service.connect(`chat/${group}`, token(alice));
  await there.service.connect(`chat/${group}`, token(bob));
  let sent;

  await check('a message has every field of the document', async () => {
    here.service.sendMessage('Your message content');
    sent = await there.inboxes.new_message.take();
    keys(sent, messageKeys);
    keys(sent.sender, ['id', 'username', 'email', 'is_active', 'created_at']);
    for (const id of [sent.id, sent.chat_id, sent.sender_id, sent.sender.id]) assert.match(id, uuid);
    for (const at of [sent.created_at, sent.updated_at, sent.sender.created_at]) assert.match(at, time);
    assert.equal(sent.sender.username, 'alice');
  });

  await check('the receipt that every message is answered with comes back', async () => {
    const receipt = await here.inboxes.read_receipt.take((data) => data.user_id !== sent.sender_id);
    keys(receipt, ['chat_id', 'message_id', 'user_id', 'read_at']);
    assert.equal(receipt.message_id, sent.id);
  });

  await check('an answer names its parent, and typing its typist', async () => {
    there.service.send('typing_indicator', { is_typing: true, user_id: bob });
    const typing = await here.inboxes.typing_indicator.take();
    keys(typing, ['chat_id', 'user_id', 'username', 'is_typing']);
    there.service.sendMessage('an answer', sent.id);
    const answer = await here.inboxes.new_message.take((data) => data.parent_message_id !== null);
    assert.equal(answer.parent_message_id, sent.id);
    assert.equal(answer.sender_id, typing.user_id);
  });

  await check('a direct message reaches the own stream', async () => {
    const own = new Chat(bob);
    await own.service.connect(String(bob), token(bob));
    const data = { content: 'Your direct message', message_type: 'text', recipient_id: sent.sender_id };
    there.service.send('direct_message', data);
    assert.equal((await own.inboxes.new_direct_message.take()).content, 'Your direct message');
    own.service.ws.close();
  });

  await check('without a token the socket is closed with a reason', async () => {
    const socket = new WebSocket(`${base}/api/v1/ws/${bob}`);
    const { code, reason } = await closed(socket);
    assert.deepEqual([code, reason], [1008, 'missing token']);
  });

  here.service.ws.close();
  there.service.ws.close();
};
