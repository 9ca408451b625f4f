//! A server as programs reach it in a test: over a wire that can be held, so that nothing gets there, or cut.
use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedWriteHalf, ReadHalf},
    },
    sync::watch,
    time::sleep,
};

use super::PATIENCE;

pub struct Wire {
    flow: watch::Sender<Flow>,
    held: Held,
}

#[derive(Clone, Copy, PartialEq)]
enum Flow {
    Open,
    Held,
    Lost,
    Cut,
}

/// What programs have sent and the server has not got.
type Held = Arc<Mutex<Vec<u8>>>;

impl Wire {
    /// To the server that a URL names, and the URL by which programs reach it over the wire.
    pub async fn to(url: &str, port: u16) -> (Self, String) {
        let (scheme, rest) = url.split_once("://").expect("it is a URL");
        let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (account, server) = match server.rsplit_once('@') {
            Some((account, server)) => (format!("{account}@"), server),
            None => (String::new(), server),
        };
        let server = if server.contains(':') {
            server.to_owned()
        } else {
            format!("{server}:{port}")
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (flow, watched) = watch::channel(Flow::Open);
        let held = Held::default();
        let wire = Self {
            flow,
            held: Arc::clone(&held),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(
                    client,
                    server.clone(),
                    watched.clone(),
                    Arc::clone(&held),
                ));
            }
        });
        (wire, format!("{scheme}://{account}{address}/{path}"))
    }

    /// Keeps back what programs send from now on.
    pub fn hold(&self) {
        self.flow.send_replace(Flow::Held);
    }

    /// Lets the server go without a word: who asked it, or asks now, is never answered over that connection.
    pub fn lose(&self) {
        self.flow.send_replace(Flow::Lost);
    }

    /// Ends all connections, and each new one at once.
    pub fn cut(&self) {
        self.flow.send_replace(Flow::Cut);
    }

    pub fn open(&self) {
        self.flow.send_replace(Flow::Open);
    }

    /// Waits until a text is among what is kept back.
    pub async fn holds(&self, text: &str) {
        let begun = Instant::now();
        while !self
            .held
            .lock()
            .unwrap()
            .windows(text.len())
            .any(|part| part == text.as_bytes())
        {
            assert!(begun.elapsed() < PATIENCE, "nobody sends {text}");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn connect(
    mut client: TcpStream,
    server: String,
    mut flow: watch::Receiver<Flow>,
    held: Held,
) -> io::Result<()> {
    let (mut answers, to_server) = TcpStream::connect(server).await?.into_split();
    let (requests, mut to_client) = client.split();
    let watched = flow.clone();
    // Whatever ends first ends the connection, on both sides.
    let lost = tokio::select! {
        ended = flow.wait_for(|flow| matches!(flow, Flow::Lost | Flow::Cut)) => {
            ended.is_ok_and(|flow| *flow == Flow::Lost)
        }
        _ = forward(requests, to_server, watched, held) => false,
        _ = copy(&mut answers, &mut to_client) => false,
    };
    drop(answers);
    if lost {
        // The client is not told.
        let _ = flow.wait_for(|flow| *flow == Flow::Cut).await;
    }
    Ok(())
}

async fn forward(
    mut requests: ReadHalf<'_>,
    mut to_server: OwnedWriteHalf,
    flow: watch::Receiver<Flow>,
    held: Held,
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let length = requests.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        if *flow.borrow() == Flow::Held {
            held.lock().unwrap().extend_from_slice(&buffer[..length]);
        } else {
            to_server.write_all(&buffer[..length]).await?;
        }
    }
}
