//! `causeway.chat.v1.Directory`.

use causeway_kit::Error;
use causeway_proto::chat::{
    GetAudienceRequest, GetAudienceResponse, GetUserRequest, GetUserResponse, ListAudiencesRequest,
    ListAudiencesResponse, ListUsersRequest, ListUsersResponse, PutAudienceRequest, PutAudienceResponse,
    PutUserRequest, PutUserResponse, RegisterUserRequest, RegisterUserResponse, directory_server::Directory,
};
use tonic::{Request, Response, Status};

use super::Desk;
use crate::{audiences, ids, limits, profiles, users};

#[tonic::async_trait]
impl Directory for Desk {
    async fn register_user(
        &self,
        request: Request<RegisterUserRequest>,
    ) -> Result<Response<RegisterUserResponse>, Status> {
        let registration =
            profiles::Registration::read(request.into_inner(), self.settings.allow_http_attachments)?;
        let look = self.store.read(move |reader| Ok((registration.settled(reader)?, registration)));
        match look.await? {
            (Some(answer), _) => Ok(Response::new(answer)),
            (None, registration) => self.write(move |tx| registration.run(tx)).await,
        }
    }

    async fn put_user(&self, request: Request<PutUserRequest>) -> Result<Response<PutUserResponse>, Status> {
        let put = profiles::Put::read(request.into_inner(), self.settings.allow_http_attachments)?;
        self.write(move |tx| put.run(tx)).await
    }

    async fn get_user(&self, request: Request<GetUserRequest>) -> Result<Response<GetUserResponse>, Status> {
        let given = ids::read("user_id", &request.get_ref().user_id)?;
        let find = self.read(move |reader| {
            let user = users::find_full(reader, &ids::user(reader, &given)?)?;
            Ok(GetUserResponse { user: Some(user.ok_or_else(|| Error::not_found("user"))?) })
        });
        find.await
    }

    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        let ListUsersRequest { after, limit, audience } = request.into_inner();
        let limit = limits::directory_page(limit);
        let list = self.read(move |reader| {
            // One more than wanted tells whether there are more.
            let found = users::list(reader, &after, limit + 1, &audience)?;
            let (users, has_more) = limits::cut(found, limit);
            Ok(ListUsersResponse { users, has_more })
        });
        list.await
    }

    async fn put_audience(
        &self,
        request: Request<PutAudienceRequest>,
    ) -> Result<Response<PutAudienceResponse>, Status> {
        let put = audiences::Put::read(request.into_inner())?;
        self.write(move |tx| put.run(tx)).await
    }

    async fn get_audience(
        &self,
        request: Request<GetAudienceRequest>,
    ) -> Result<Response<GetAudienceResponse>, Status> {
        let id = request.into_inner().audience;
        limits::audience("audience", &id)?;
        let find = self.read(move |reader| {
            let audience = audiences::find(reader, &id)?;
            Ok(GetAudienceResponse { audience: Some(audience.ok_or_else(|| Error::not_found("audience"))?) })
        });
        find.await
    }

    async fn list_audiences(
        &self,
        request: Request<ListAudiencesRequest>,
    ) -> Result<Response<ListAudiencesResponse>, Status> {
        let ListAudiencesRequest { after, limit } = request.into_inner();
        let limit = limits::directory_page(limit);
        let list = self.read(move |reader| {
            let (audiences, has_more) = limits::cut(audiences::list(reader, &after, limit + 1)?, limit);
            Ok(ListAudiencesResponse { audiences, has_more })
        });
        list.await
    }
}
