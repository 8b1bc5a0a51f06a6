// Answers what customers write, as AI: what it says is in `answer.ts`, and this is the attach protocol of plugin.proto.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import grpc from '@grpc/grpc-js';
import { answer } from './answer.js';
import { type Call, Host, isTemporary, retryAfter } from './host.js';
import type { AttachRequest } from './stubs/causeway/plugin/v1/AttachRequest.js';
import type { AttachResponse__Output } from './stubs/causeway/plugin/v1/AttachResponse.js';
import type { CustomerWrote__Output } from './stubs/causeway/plugin/v1/CustomerWrote.js';
import type { DeliveryReport } from './stubs/causeway/plugin/v1/DeliveryReport.js';

const NAME = 'autoresponder';
const WINDOW = 16; // deliveries in hand at once
const PAUSE = { shortest: 200, longest: 10_000 }; // milliseconds between attempts to attach

/** A delivery, with what the host must yet hear of it, over however many streams: an event with the answer, until that
 *  is settled, and a report, until that is recorded. Nothing while `answer` is at work. */
interface Held {
  deliveryId: string;
  part: number;
  owed: AttachRequest[];
}

/** A stream whose host has said Welcome. */
interface Stream {
  call: Call;
  said: Set<string>; // keys of what was said on it
  credit: number; // events that the host takes
  granted: number; // deliveries that the host may still send
  isEnding: boolean; // no more deliveries are taken, and when none is in hand, this side ends
}

class Autoresponder {
  #instance = randomUUID(); // another one with each start
  #held = new Map<string, Held>();
  #last = 0; // the newest event's sequence
  #stream: Stream | undefined;
  #stop = new AbortController();

  constructor(private host: Host) {}

  /** One stream after the other, until it is stopped. Fails when a person has something to do first. */
  async run(): Promise<void> {
    for (let pause = PAUSE.shortest; !this.#stop.signal.aborted; pause = Math.min(pause * 2, PAUSE.longest)) {
      const status = await this.#attach();
      if (!isTemporary(status)) throw new Error(`${grpc.status[status.code]}: ${status.details}`);
      if (this.#stream) pause = PAUSE.shortest;
      this.#stream = undefined;
      await sleep(retryAfter(status) + pause * Math.random(), undefined, { signal: this.#stop.signal }).catch(() => {});
    }
    this.host.close();
  }

  /** Finishes what is in hand, and no more. */
  stop(): void {
    this.#stop.abort();
    if (this.#stream) this.#stream.isEnding = true;
    this.#speak();
  }

  /** One stream, from Hello to its end. */
  async #attach(): Promise<grpc.StatusObject> {
    const call = this.host.attach();
    const holding = [...this.#held.values()].map((held) => held.deliveryId);
    const hello = { name: NAME, version: '1.0', protocol: 1, instance: this.#instance, holding };
    call.write({ hello: { ...hello, kind: 'PLUGIN_KIND_AGENT' } });
    call.on('data', (message: AttachResponse__Output) => {
      if (this.#stream) this.#hear(this.#stream, message);
      else if (message.welcome) {
        const { credit, resumeAfter } = message.welcome;
        this.#stream = { call, said: new Set(), credit, granted: 0, isEnding: this.#stop.signal.aborted };
        this.#settle((sequence) => sequence <= Number(resumeAfter));
      }
      this.#speak();
    });
    call.on('error', () => {}); // is told by its status as well
    const status = await new Promise<grpc.StatusObject>((resolve) => call.on('status', resolve));
    call.removeAllListeners('data');
    return status;
  }

  /** Says each thing once on a stream: events in order and within credit, and credit as there is room. */
  #speak(): void {
    const stream = this.#stream;
    if (!stream || stream.call.writableEnded) return;
    for (const [part, { owed: [message] }] of this.#held) {
      const key = message?.event ? String(message.event.sequence) : part;
      const mayBeSaid = message && (message.report || stream.credit > 0);
      if (!mayBeSaid || stream.said.has(key)) continue;
      stream.said.add(key);
      if (message.event) stream.credit -= 1;
      stream.call.write(message);
    }
    const room = stream.isEnding ? 0 : WINDOW - stream.granted - this.#held.size;
    if (room > 0) stream.call.write({ credit: { amount: room } });
    stream.granted += room;
    if (stream.isEnding && this.#held.size === 0) stream.call.end();
  }

  /** Does what the host says. What else comes, a second Welcome or a newer host's message, is passed over. */
  #hear(stream: Stream, { delivery, recorded, outcome, credit, drain }: AttachResponse__Output): void {
    if (delivery) {
      const key = keyOf(delivery.id, delivery.part);
      stream.granted -= 1;
      stream.said.delete(key); // one that comes again wants its report again
      if (this.#held.has(key)) return;
      const held = { deliveryId: delivery.id, part: delivery.part, owed: [] };
      this.#held.set(key, held);
      void this.#work(held, delivery.customerWrote);
    } else if (recorded) {
      this.#held.delete(keyOf(recorded.deliveryId, recorded.part));
    } else if (outcome?.code === 'OUTCOME_CODE_RETRY_AFTER') {
      // No event of its partition is behind it: the next delivery there waits for the report of this one.
      setTimeout(() => {
        stream.said.delete(outcome.sequence);
        this.#speak();
      }, outcome.retryAfterMs);
    } else if (outcome) {
      this.#settle((sequence) => sequence === Number(outcome.sequence));
    } else if (credit) {
      stream.credit += credit.amount;
    } else if (drain) {
      stream.isEnding = true;
    }
  }

  /** Answers are durable. Only now are their reports next: a crash before that must not lose them. */
  #settle(isSettled: (sequence: number) => boolean): void {
    for (const { owed } of this.#held.values()) {
      if (owed[0]?.event && isSettled(Number(owed[0].event.sequence))) owed.shift();
    }
  }

  async #work({ deliveryId, part }: Held, wrote: CustomerWrote__Output | null | undefined): Promise<void> {
    const owed: AttachRequest[] = [];
    let report: DeliveryReport = { deliveryId, part, state: 'DELIVERY_STATE_SENT' };
    try {
      if (!wrote) throw new Error('nothing that a customer wrote');
      const { conversationId, messageId } = wrote;
      const text = cut(await answer(wrote), 16_384);
      // A delivery may come again, even to another instance: by this providerId its answer is taken once.
      const event = { account: NAME, providerId: `answer/${messageId}`, partition: conversationId };
      if (text) owed.push({ event: { ...event, sequence: ++this.#last, answer: { conversationId, text } } });
    } catch (error) {
      report = { ...report, state: 'DELIVERY_STATE_FAILED', code: 'answer', text: cut(String(error), 500) };
    }
    this.#held.delete(keyOf(deliveryId, part)); // and in again behind the others, so that events stay in order
    this.#held.set(keyOf(deliveryId, part), { deliveryId, part, owed: [...owed, { report }] });
    this.#speak();
  }
}

const keyOf = (deliveryId: string, part: number): string => `${deliveryId}/${part}`;

/** At most so many characters, all of them whole: half a surrogate pair is no UTF-8, and would break the stream. */
const cut = (text: string, length: number): string => [...Buffer.from(text).toString()].slice(0, length).join('');

const { CAUSEWAY_PLUGIN_HOST: host, CAUSEWAY_PLUGIN_TOKEN: token, CAUSEWAY_PLUGIN_CA_FILE: caFile } = process.env;
if (!host || !token) throw new Error('CAUSEWAY_PLUGIN_HOST and CAUSEWAY_PLUGIN_TOKEN are required');
const plugin = new Autoresponder(new Host(host, token, caFile));
process.on('SIGTERM', () => plugin.stop());
plugin.run().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
