//! Packets with file descriptors over a pair of unix sockets (`SCM_RIGHTS`, `unix(7)`).
//!
//! The sockets keep packet borders (`SOCK_SEQPACKET`), so a packet is one message: a JSON header,
//! a payload of raw bytes, and up to [`MAX_DESCRIPTORS`] descriptors.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::Interest;
use tokio::net::UnixDatagram;
use zeroize::Zeroizing;

/// Most descriptors of one packet. The kernel's own limit is 253.
pub const MAX_DESCRIPTORS: usize = 64;

/// Most bytes of one packet's payload: with its header it stays well under the kernel's default
/// send buffer (212992 bytes), over which a packet could never be sent.
pub const MAX_PAYLOAD: usize = 64 << 10;

const MAX_PACKET: usize = 128 << 10;

/// Why a packet could not be sent or received. After any of these the pair is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum PacketError {
    /// The system's error.
    #[error("the control socket failed: {0}")]
    Io(#[from] io::Error),
    /// The header is not what the receiver expects: two versions that do not fit each other.
    #[error("a control message is not understood: {0}")]
    Header(#[from] serde_json::Error),
    /// Too many bytes or descriptors, or a packet cut short.
    #[error("a control message is too large or cut short")]
    Size,
}

/// One end of the pair.
///
/// tokio has no type for packet sockets; its datagram socket serves, since only its readiness is
/// used and every byte goes through `sendmsg` and `recvmsg` here.
#[derive(Debug)]
pub struct DescriptorSocket {
    socket: UnixDatagram,
}

/// A packet as received.
#[derive(Debug)]
pub struct Packet<T> {
    /// The message.
    pub header: T,
    /// Raw bytes; wiped when dropped, since some are keys.
    pub payload: Zeroizing<Vec<u8>>,
    /// Descriptors in the order they were sent, close-on-exec set.
    pub descriptors: Vec<OwnedFd>,
}

/// Makes a connected pair, both ends close-on-exec.
///
/// # Errors
/// When the system has no descriptors left.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let pair = rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?;
    Ok(pair)
}

impl DescriptorSocket {
    /// Takes one end of a [`pair`] into the running tokio runtime.
    ///
    /// # Errors
    /// When the descriptor is no socket that can be waited for.
    pub fn new(end: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&end, true)?;
        let socket = std::os::unix::net::UnixDatagram::from(end);
        Ok(Self {
            socket: UnixDatagram::from_std(socket)?,
        })
    }

    /// Sends one packet; waits while the other side does not read.
    ///
    /// # Errors
    /// [`PacketError`]; also when the other side is gone.
    pub async fn send<T: Serialize + Sync>(
        &self,
        header: &T,
        payload: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), PacketError> {
        let header = Zeroizing::new(serde_json::to_vec(header)?);
        let length = u32::try_from(header.len())
            .map_err(|_| PacketError::Size)?
            .to_le_bytes();
        let total = length.len() + header.len() + payload.len();
        if payload.len() > MAX_PAYLOAD || total > MAX_PACKET || descriptors.len() > MAX_DESCRIPTORS
        {
            return Err(PacketError::Size);
        }
        let parts = [
            IoSlice::new(&length),
            IoSlice::new(&header),
            IoSlice::new(payload),
        ];
        let sent = self
            .socket
            .async_io(Interest::WRITABLE, || {
                send_once(self.socket.as_fd(), &parts, descriptors)
            })
            .await?;
        if sent == total {
            Ok(())
        } else {
            Err(PacketError::Size)
        }
    }

    /// Receives one packet; `None` when the other side has closed.
    ///
    /// # Errors
    /// [`PacketError`].
    pub async fn receive<T: DeserializeOwned>(&self) -> Result<Option<Packet<T>>, PacketError> {
        let mut buffer = Zeroizing::new(vec![0; MAX_PACKET]);
        let (length, descriptors) = self
            .socket
            .async_io(Interest::READABLE, || {
                receive_once(self.socket.as_fd(), &mut buffer)
            })
            .await?
            .ok_or(PacketError::Size)?;
        if length == 0 {
            return Ok(None);
        }
        let packet = buffer.get(..length).ok_or(PacketError::Size)?;
        let (size, rest) = packet.split_first_chunk::<4>().ok_or(PacketError::Size)?;
        let size = usize::try_from(u32::from_le_bytes(*size)).map_err(|_| PacketError::Size)?;
        let (header, payload) = rest.split_at_checked(size).ok_or(PacketError::Size)?;
        Ok(Some(Packet {
            header: serde_json::from_slice(header)?,
            payload: Zeroizing::new(payload.to_vec()),
            descriptors,
        }))
    }
}

fn send_once(
    socket: BorrowedFd<'_>,
    parts: &[IoSlice<'_>],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(rustix::net::sendmsg(
        socket,
        parts,
        &mut ancillary,
        SendFlags::NOSIGNAL,
    )?)
}

/// `None` when the kernel had to cut the packet.
fn receive_once(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
) -> io::Result<Option<(usize, Vec<OwnedFd>)>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::net::recvmsg(
        socket,
        &mut [IoSliceMut::new(buffer)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    let cut = received
        .flags
        .intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC);
    Ok((!cut).then_some((received.bytes, descriptors)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    fn sockets() -> (DescriptorSocket, DescriptorSocket) {
        let (left, right) = pair().unwrap();
        (
            DescriptorSocket::new(left).unwrap(),
            DescriptorSocket::new(right).unwrap(),
        )
    }

    #[tokio::test]
    async fn carries_header_payload_and_working_descriptors() {
        let (left, right) = sockets();
        let (mut here, there) = std::os::unix::net::UnixStream::pair().unwrap();
        left.send(&"hello", b"bytes", &[there.as_fd()])
            .await
            .unwrap();
        drop(there);
        let packet: Packet<String> = right.receive().await.unwrap().unwrap();
        assert_eq!(
            (packet.header.as_str(), packet.payload.as_slice()),
            ("hello", &b"bytes"[..])
        );
        let mut received =
            std::os::unix::net::UnixStream::from(packet.descriptors.into_iter().next().unwrap());
        here.write_all(b"x").unwrap();
        let mut byte = [0];
        received.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
    }

    #[tokio::test]
    async fn keeps_packet_borders_and_order_when_the_reader_is_slow() {
        let (left, right) = sockets();
        let payload = vec![7; MAX_PAYLOAD];
        let sender = async {
            for number in 0..50_u32 {
                left.send(&number, &payload, &[]).await.unwrap();
            }
            drop(left);
        };
        let reader = async {
            let mut expected = 0;
            while let Some(packet) = right.receive::<u32>().await.unwrap() {
                assert_eq!(
                    (packet.header, packet.payload.len()),
                    (expected, MAX_PAYLOAD)
                );
                expected += 1;
                tokio::task::yield_now().await;
            }
            expected
        };
        let ((), received) = tokio::join!(sender, reader);
        assert_eq!(received, 50);
    }

    #[tokio::test]
    async fn refuses_what_is_too_large() {
        let (left, _right) = sockets();
        let long = vec![0; MAX_PAYLOAD + 1];
        assert!(matches!(
            left.send(&0, &long, &[]).await,
            Err(PacketError::Size)
        ));
        let stdin = std::io::stdin();
        let many = vec![stdin.as_fd(); MAX_DESCRIPTORS + 1];
        assert!(matches!(
            left.send(&0, &[], &many).await,
            Err(PacketError::Size)
        ));
    }

    #[tokio::test]
    async fn says_when_the_other_side_is_gone() {
        let (left, right) = sockets();
        drop(right);
        assert!(left.receive::<u8>().await.unwrap().is_none());
        assert!(matches!(
            left.send(&0, &[], &[]).await,
            Err(PacketError::Io(_))
        ));
    }

    #[tokio::test]
    async fn a_foreign_header_is_an_error_not_a_panic() {
        let (left, right) = sockets();
        left.send(&"text", &[], &[]).await.unwrap();
        assert!(matches!(
            right.receive::<u32>().await,
            Err(PacketError::Header(_))
        ));
    }
}
