//! How a process reaches the others: services over gRPC, whose endpoints may be several, and Redis.

pub mod grpc;
pub mod redis;
