//! What the services share: store, event log, bus, subscription server, outbox and the gRPC server stack.
