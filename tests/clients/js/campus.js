// A frontend of a campus: a personal room whose frames have no type, and notices.
'use strict';

const assert = require('node:assert/strict');
const { keys } = require('./checks');
const { WebSocket, Inbox, base, causeway, opened, token, user } = require('./causeway');

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** A socket and all that it gets. */
async function connect(path, who) {
  const ws = new WebSocket(`${base}${path}?token=${token(who)}`);
  const inbox = new Inbox();
  ws.onmessage = (event) => inbox.put(JSON.parse(event.data));
  await opened(ws);
  return { ws, inbox, send: (frame) => ws.send(JSON.stringify(frame)) };
}

module.exports = async (check) => {
  const [alice, bob] = [user('Alice'), user('Bob', '--audience', 'college:5')];
  const here = await connect('/ws/chat/', alice);
  const there = await connect('/ws/chat/', bob);

  await check('a message is confirmed and arrives with every field of the document', async () => {
    const attachment = 'https://bucket.s3.amazonaws.com/file.pdf';
    here.send({ receiver_id: bob, message: 'Hello, how are you?', attachment });
    const sent = await here.inbox.take();
    assert.deepEqual(sent, { type: 'message_sent', id: sent.id, status: 'delivered' });
    const received = await there.inbox.take();
    keys(received, ['type', 'id', 'sender_id', 'sender_name', 'message', 'attachment', 'timestamp']);
    assert.deepEqual([received.id, received.sender_id, received.sender_name], [sent.id, alice, 'Alice Doe']);
    assert.equal(received.attachment, attachment);
    assert.match(received.timestamp, time);
  });

  await check('each mistake is answered in the words of the document', async () => {
    const mistakes = [
      [{ message: 'to whom?' }, 'receiver_id is required'],
      [{ receiver_id: bob }, 'message or attachment is required'],
      [{ receiver_id: 999_999_999, message: 'anybody?' }, 'Failed to send message. Receiver not found.'],
    ];
    for (const [frame, error] of mistakes) {
      here.send(frame);
      assert.deepEqual(await here.inbox.take(), { type: 'error', error });
    }
    here.ws.send('{');
    assert.deepEqual(await here.inbox.take(), { type: 'error', error: 'Invalid JSON format' });
  });

  await check('a notice to the college arrives', async () => {
    const notices = await connect('/ws/notifications/', bob);
    const notice = ['--title', 'New Notice Published', '--message', 'Exam schedule', '--type', 'notice'];
    causeway('broadcast', 'college:5', ...notice, '--data', '{"notice_id":42,"url":"/notices/42"}');
    const told = await notices.inbox.take((frame) => frame.title === 'New Notice Published');
    keys(told, ['type', 'title', 'message', 'notification_type', 'timestamp', 'data']);
    assert.deepEqual(told.data, { notice_id: 42, url: '/notices/42' });
    notices.ws.close();
  });

  await check('a bad token is refused with 403', async () => {
    const socket = new WebSocket(`${base}/ws/chat/?token=nonsense`);
    await assert.rejects(opened(socket).catch((event) => { throw event.error; }), /403/);
  });

  here.ws.close();
  there.ws.close();
};
