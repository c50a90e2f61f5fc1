//! `GET /ws/chat`: may a socket be opened?

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};

use super::door::ChatDoor;
use super::incoming::Incoming;
use super::outlet::Outlet;
use super::places::NoPlace;
use super::protocols::PROTOCOL;
use super::socket::Socket;
use crate::http::answers;
use crate::http::gate::Admitted;

/// What is answered where there is no chat.
pub(super) const NO_CHAT: &str =
    "there is no chat: the daemon was started without a config.yaml that has models";

/// Opens a socket.
pub(in crate::http) async fn get(
    request: HttpRequest,
    door: web::Data<ChatDoor>,
    payload: web::Payload,
) -> HttpResponse {
    let Some(chat) = door.chat().cloned() else {
        return answers::error(StatusCode::NOT_FOUND, NO_CHAT);
    };
    let Some(admitted) = request.extensions().get::<Admitted>().cloned() else {
        return answers::json_text(StatusCode::UNAUTHORIZED, crate::mcp::unauthorized());
    };
    let settings = &chat.settings().websocket;
    let longest = settings.max_message_size;
    let place = match door.place(&admitted, settings.max_connections) {
        Ok(place) => place,
        Err(no_place) => return refused(no_place),
    };
    let opened = actix_ws::handle_with_protocols(&request, payload, &[PROTOCOL]);
    let (response, session, frames) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let status = error.error_response().status();
            let mut response = answers::error(
                status,
                "this path is for WebSockets: send Connection: Upgrade, Upgrade: websocket, \
                 Sec-WebSocket-Version: 13 and Sec-WebSocket-Key",
            );
            if status == StatusCode::UPGRADE_REQUIRED || status == StatusCode::BAD_REQUEST {
                let websocket = HeaderValue::from_static("websocket");
                response.headers_mut().insert(header::UPGRADE, websocket);
            }
            return response;
        }
    };
    let outlet = Arc::<Outlet>::default();
    let response = outlet.counting(response);
    let (socket, door) = (Socket::new(chat, admitted, (session, outlet)), Arc::clone(&door));
    let incoming = Incoming::new(frames, longest);
    actix_web::rt::spawn(async move {
        socket.serve(incoming, door).await;
        drop(place);
    });
    response
}

fn refused(no_place: NoPlace) -> HttpResponse {
    let (status, why) = match no_place {
        NoPlace::Full => (
            StatusCode::SERVICE_UNAVAILABLE,
            "as many sockets are open as there may be; try again later".to_owned(),
        ),
        NoPlace::PrincipalFull(open) => (
            StatusCode::TOO_MANY_REQUESTS,
            format!("this client has {open} sockets open, which is as many as it may; close one"),
        ),
    };
    let mut response = answers::error(status, &why);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("15"));
    response
}
