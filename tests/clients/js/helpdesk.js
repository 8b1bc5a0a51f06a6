// A frontend of a helpdesk: a list of conversations, and one that is open.
'use strict';

const assert = require('node:assert/strict');
const { keys } = require('./checks');
const { WebSocket, Inbox, base, causeway, conversation, opened, token, user } = require('./causeway');

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

class ChatManager {
  lists = new Inbox();
  customerMessages = new Inbox();
  messages = new Inbox();
  recent = new Inbox();
  read = new Inbox();

  constructor(jwt) {
    this.token = jwt;
  }

  connectToConversationList() {
    this.conversationSocket = new WebSocket(`${base}/ws/conversations/?token=${this.token}`);
    this.conversationSocket.onmessage = (event) => this.handleConversationUpdate(JSON.parse(event.data));
    return opened(this.conversationSocket);
  }

  connectToChat(conversationId) {
    // The path at the root is another frontend's unless the settings turn it round.
    this.chatSocket = new WebSocket(`${base}/helpdesk/ws/chat/${conversationId}/?token=${this.token}`);
    this.chatSocket.onmessage = (event) => this.handleChatMessage(JSON.parse(event.data));
    return opened(this.chatSocket);
  }

  handleConversationUpdate(data) {
    if (data.type === 'conversations_list') this.lists.put(data.conversations);
    if (data.type === 'new_customer_message') this.customerMessages.put(data);
  }

  handleChatMessage(data) {
    if (data.type === 'chat_message') this.messages.put(data.message);
    if (data.type === 'recent_messages') this.recent.put(data.messages);
    if (data.type === 'messages_read') this.read.put(data);
  }

  sendMessage(content) {
    this.chatSocket.send(JSON.stringify({ type: 'chat_message', content }));
  }
}

module.exports = async (check) => {
  const picture = 'https://example.com/profile.jpg';
  const sue = user('Sue');
  const john = user('John', '--source', 'telegram', '--profile-picture', picture);
  const id = conversation('support', [sue], '--customer', String(john), '--priority', '1');
  const manager = new ChatManager(token(sue));
  await manager.connectToConversationList();
  await manager.connectToChat(id);

  await check('the list comes by itself, with every field of the document', async () => {
    const [shown] = await manager.lists.take();
    const fields = ['id', 'title', 'status', 'customer', 'priority', 'created_at', 'updated_at', 'last_message'];
    keys(shown, [...fields, 'unread_count']);
    assert.equal(shown.title, 'telegram - John Doe');
    assert.deepEqual(shown.customer, {
      id: john, first_name: 'John', last_name: 'Doe', source: 'telegram', profile_picture: picture,
    });
    assert.deepEqual(await manager.recent.take(), []);
  });

  await check('what the customer writes reaches the list and the conversation', async () => {
    causeway('send', '--conversation', id, '--as', String(john), 'It does not work');
    const told = await manager.customerMessages.take();
    assert.equal(told.conversation_id, id);
    const message = await manager.messages.take();
    assert.deepEqual(told.message, message);
    keys(message, ['id', 'content', 'type', 'customer', 'is_ai_response', 'is_answered', 'created_at']);
    assert.equal(message.type, 'customer');
    assert.match(message.created_at, time);
  });

  await check('an answer comes back as support, and reading is told', async () => {
    manager.sendMessage('Hello, how can I help you?');
    assert.equal((await manager.messages.take()).type, 'support');
    manager.chatSocket.send(JSON.stringify({ type: 'mark_read' }));
    assert.equal(String((await manager.read.take()).user_id), String(sue));
    manager.conversationSocket.send(JSON.stringify({ type: 'refresh_conversations' }));
    assert.equal((await manager.lists.take())[0].unread_count, 0);
  });

  await check('bad JSON is answered as the document says', async () => {
    const answer = new Promise((resolve) => { manager.chatSocket.onmessage = (event) => resolve(event.data); });
    manager.chatSocket.send('{');
    assert.deepEqual(JSON.parse(await answer), { error: 'Invalid JSON format' });
  });

  manager.chatSocket.close();
  manager.conversationSocket.close();
};
