//! `causeway.chat.v1.Chat`.

use causeway_proto::chat::{
    AddParticipantsRequest, AddParticipantsResponse, CreateConversationRequest, CreateConversationResponse,
    DeleteMessageRequest, DeleteMessageResponse, EditMessageRequest, EditMessageResponse,
    GetConversationRequest, GetConversationResponse, GetMessageStatusRequest, GetMessageStatusResponse,
    GetThreadRequest, GetThreadResponse, ListContactsRequest, ListContactsResponse, ListConversationsRequest,
    ListConversationsResponse, ListMessagesRequest, ListMessagesResponse, MarkReadRequest, MarkReadResponse,
    ReactRequest, ReactResponse, RemoveParticipantsRequest, RemoveParticipantsResponse,
    ReportDeliveredRequest, ReportDeliveredResponse, ReportDeliveryStatusRequest,
    ReportDeliveryStatusResponse, SearchMessagesRequest, SearchMessagesResponse, SendMessageRequest,
    SendMessageResponse, SendMessagesRequest, SendMessagesResponse, ShowTypingRequest, ShowTypingResponse,
    UpdateConversationRequest, UpdateConversationResponse, chat_server::Chat,
};
use causeway_proto::plugin::Typing;
use tonic::{Request, Response, Status};

use super::Desk;
use crate::{
    batch::Batch,
    channel::{customers::Channel, status::Report, typing},
    creation::Creation,
    draft::Draft,
    edits::{Delete, Edit},
    history::{Page, Reach, Thread},
    ids,
    membership::{Add, Remove},
    overview::{Contacts, Get, List, Update},
    reactions::React,
    receipts::{Delivered, Reading},
    search::Search,
    send,
};

#[tonic::async_trait]
impl Chat for Desk {
    async fn create_conversation(
        &self,
        request: Request<CreateConversationRequest>,
    ) -> Result<Response<CreateConversationResponse>, Status> {
        let creation = Creation::read(request.into_inner())?;
        let settings = self.settings.clone();
        self.write(move |tx| creation.run(tx, &settings)).await
    }

    async fn get_conversation(
        &self,
        request: Request<GetConversationRequest>,
    ) -> Result<Response<GetConversationResponse>, Status> {
        let get = Get::read(request.into_inner())?;
        self.read(move |reader| get.run(reader)).await
    }

    async fn list_conversations(
        &self,
        request: Request<ListConversationsRequest>,
    ) -> Result<Response<ListConversationsResponse>, Status> {
        let list = List::read(request.into_inner())?;
        self.read(move |reader| list.run(reader)).await
    }

    async fn update_conversation(
        &self,
        request: Request<UpdateConversationRequest>,
    ) -> Result<Response<UpdateConversationResponse>, Status> {
        let update = Update::read(request.into_inner())?;
        self.write(move |tx| update.run(tx)).await
    }

    async fn add_participants(
        &self,
        request: Request<AddParticipantsRequest>,
    ) -> Result<Response<AddParticipantsResponse>, Status> {
        let add = Add::read(request.into_inner())?;
        let settings = self.settings.clone();
        self.write(move |tx| add.run(tx, &settings)).await
    }

    async fn remove_participants(
        &self,
        request: Request<RemoveParticipantsRequest>,
    ) -> Result<Response<RemoveParticipantsResponse>, Status> {
        let remove = Remove::read(request.into_inner())?;
        self.write(move |tx| remove.run(tx)).await
    }

    async fn list_contacts(
        &self,
        request: Request<ListContactsRequest>,
    ) -> Result<Response<ListContactsResponse>, Status> {
        let contacts = Contacts::read(request.into_inner())?;
        let limit = self.settings.presence_limit;
        self.read(move |reader| contacts.run(reader, limit)).await
    }

    async fn send_message(
        &self,
        request: Request<SendMessageRequest>,
    ) -> Result<Response<SendMessageResponse>, Status> {
        let draft = Draft::read(request.into_inner(), self.settings.allow_http_attachments)?;
        let settings = self.settings.clone();
        let answer = self.write(move |tx| send::send_one(tx, draft, &settings)).await?;
        self.indexer.wake();
        Ok(answer)
    }

    async fn send_messages(
        &self,
        request: Request<SendMessagesRequest>,
    ) -> Result<Response<SendMessagesResponse>, Status> {
        let batch = Batch::read(request.into_inner(), self.settings.allow_http_attachments)?;
        let settings = self.settings.clone();
        let answer = self.write(move |tx| batch.run(tx, &settings)).await?;
        self.indexer.wake();
        Ok(answer)
    }

    async fn edit_message(
        &self,
        request: Request<EditMessageRequest>,
    ) -> Result<Response<EditMessageResponse>, Status> {
        let edit = Edit::read(request.into_inner())?;
        self.write(move |tx| edit.run(tx)).await
    }

    async fn delete_message(
        &self,
        request: Request<DeleteMessageRequest>,
    ) -> Result<Response<DeleteMessageResponse>, Status> {
        let delete = Delete::read(request.into_inner())?;
        self.write(move |tx| delete.run(tx)).await
    }

    async fn react(&self, request: Request<ReactRequest>) -> Result<Response<ReactResponse>, Status> {
        let react = React::read(request.into_inner())?;
        self.write(move |tx| react.run(tx)).await
    }

    async fn mark_read(
        &self,
        request: Request<MarkReadRequest>,
    ) -> Result<Response<MarkReadResponse>, Status> {
        let reading = Reading::read(request.into_inner())?;
        self.write(move |tx| reading.run(tx)).await
    }

    async fn report_delivered(
        &self,
        request: Request<ReportDeliveredRequest>,
    ) -> Result<Response<ReportDeliveredResponse>, Status> {
        let delivered = Delivered::read(request.into_inner())?;
        let limit = self.settings.delivery_limit;
        self.write(move |tx| delivered.run(tx, limit)).await
    }

    async fn report_delivery_status(
        &self,
        request: Request<ReportDeliveryStatusRequest>,
    ) -> Result<Response<ReportDeliveryStatusResponse>, Status> {
        let report = Report::read(request.into_inner())?;
        self.write(move |tx| report.run(tx)).await
    }

    async fn show_typing(
        &self,
        request: Request<ShowTypingRequest>,
    ) -> Result<Response<ShowTypingResponse>, Status> {
        let ShowTypingRequest { conversation_id, user_id, is_typing } = request.into_inner();
        let conversation = ids::read("conversation_id", &conversation_id)?;
        let user = ids::read("user_id", &user_id)?;
        let channel = self.store.read(move |reader| typing::find(reader, &conversation, &user)).await?;
        if let Some(Channel { plugin, account, customer_ref, .. }) = channel {
            self.plugins.show_typing(&plugin, Typing { account, customer_id: customer_ref, is_typing });
        }
        Ok(Response::new(ShowTypingResponse {}))
    }

    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        let page = Page::read(request.into_inner())?;
        let limit = self.settings.presence_limit;
        self.read(move |reader| page.run(reader, limit)).await
    }

    async fn get_thread(
        &self,
        request: Request<GetThreadRequest>,
    ) -> Result<Response<GetThreadResponse>, Status> {
        let thread = Thread::read(request.into_inner())?;
        self.read(move |reader| thread.run(reader)).await
    }

    async fn search_messages(
        &self,
        request: Request<SearchMessagesRequest>,
    ) -> Result<Response<SearchMessagesResponse>, Status> {
        let search = Search::read(request.into_inner())?;
        // When the index cannot be written, what it has is still searched.
        if let Err(error) = self.indexer.catch_up().await {
            tracing::warn!(%error, "the newest messages are not searched");
        }
        self.read(move |reader| search.run(reader)).await
    }

    async fn get_message_status(
        &self,
        request: Request<GetMessageStatusRequest>,
    ) -> Result<Response<GetMessageStatusResponse>, Status> {
        let reach = Reach::read(request.into_inner())?;
        self.read(move |reader| reach.run(reader)).await
    }
}
