//! One HTTP request with its answer: all the program needs to ask its own pages.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Why a page could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The connection failed.
    #[error("fetch http://{address}{path}")]
    Connection {
        /// Who was asked.
        address: SocketAddr,
        /// For what.
        path: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// What came back is not HTTP.
    #[error("fetch http://{address}{path}: the answer is not HTTP")]
    Malformed {
        /// Who was asked.
        address: SocketAddr,
        /// For what.
        path: String,
    },
}

/// Fetches a page: the status code and the body. HTTP/1.0, so that the end of the connection is
/// the end of the body.
///
/// # Errors
/// When the connection fails or the answer is not HTTP.
pub async fn get(address: SocketAddr, path: &str) -> Result<(u16, String), ClientError> {
    let answer = exchange(address, path)
        .await
        .map_err(|source| ClientError::Connection {
            address,
            path: path.into(),
            source,
        })?;
    split(&answer).ok_or_else(|| ClientError::Malformed {
        address,
        path: path.into(),
    })
}

async fn exchange(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LARGEST_ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn split(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head
        .strip_prefix("HTTP/1.")?
        .split(' ')
        .nth(1)?
        .parse()
        .ok()?;
    Some((status, body.to_owned()))
}

/// More than any page of this program: a limit for whatever else may listen at the address.
const LARGEST_ANSWER: u64 = 16 << 20;
