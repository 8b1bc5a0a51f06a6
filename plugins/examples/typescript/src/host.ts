// The way to the host: its client, and what the end of a stream asks for.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import protobuf from 'protobufjs';
import type { PluginHostClient } from './stubs/causeway/plugin/v1/PluginHost.js';
import type { ProtoGrpcType } from './stubs/plugin.js';

/** A stream to the host. */
export type Call = ReturnType<PluginHostClient['Attach']>;

/**
 * The host at http://host:port, or at https://host:port, whose certificate one in a PEM file, or a public one, has signed; and the
 * plugin's credential for it.
 */
export class Host {
  #client: PluginHostClient;
  #credential = new grpc.Metadata();

  constructor(url: string, token: string, caFile?: string) {
    const folder = process.env.CAUSEWAY_PROTO ?? fileURLToPath(new URL('../../../../proto', import.meta.url));
    // As in `npm run stubs`, whose types say what comes of it.
    const options = { includeDirs: [folder], longs: String, enums: String, defaults: true, oneofs: true };
    const definition = loadSync('causeway/plugin/v1/plugin.proto', options);
    const { causeway } = grpc.loadPackageDefinition(definition) as unknown as ProtoGrpcType;
    const [scheme, address] = url.replace(/\/$/, '').split('://');
    if (!address) throw new Error(`not an address such as http://127.0.0.1:8001: ${url}`);
    const roots = caFile ? readFileSync(caFile) : null;
    const credentials = scheme === 'https' ? grpc.credentials.createSsl(roots) : grpc.credentials.createInsecure();
    this.#client = new causeway.plugin.v1.PluginHost(address, credentials, {
      'grpc.keepalive_time_ms': 20_000,
      'grpc.max_reconnect_backoff_ms': 5_000,
    });
    this.#credential.set('authorization', `Bearer ${token}`);
  }

  attach(): Call {
    return this.#client.Attach(this.#credential);
  }

  close(): void {
    this.#client.close();
  }
}

/** A host that stops says UNAVAILABLE, the others are what becomes of a broken connection. All else is for a person. */
export function isTemporary({ code }: grpc.StatusObject): boolean {
  const { OK, UNAVAILABLE, CANCELLED, UNKNOWN, INTERNAL } = grpc.status;
  return [OK, UNAVAILABLE, CANCELLED, UNKNOWN, INTERNAL].includes(code);
}

const rpc = protobuf.parse(`
  syntax = "proto3";
  package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { repeated Any details = 3; }
  message Duration { int32 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
`).root;
type Status = { details: { typeUrl: string; value: Uint8Array }[] };
type RetryInfo = { retryDelay?: { seconds: number; nanos: number } };

/** Milliseconds until the host wants to be asked again, from google.rpc.RetryInfo; 0 when it does not say. */
export function retryAfter({ metadata }: grpc.StatusObject): number {
  const [bytes] = metadata.get('grpc-status-details-bin');
  if (!Buffer.isBuffer(bytes)) return 0;
  const { details } = rpc.lookupType('google.rpc.Status').decode(bytes) as unknown as Status;
  const detail = details.find(({ typeUrl }) => typeUrl.endsWith('/google.rpc.RetryInfo'));
  if (!detail) return 0;
  const { retryDelay } = rpc.lookupType('google.rpc.RetryInfo').decode(detail.value) as unknown as RetryInfo;
  return retryDelay ? retryDelay.seconds * 1_000 + retryDelay.nanos / 1_000_000 : 0;
}
