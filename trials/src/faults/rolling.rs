//! Two servers behind nginx are restarted, one after the other, under load.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    asked::{Asking, pass, summary},
    ensure,
    http::Caller,
    running::{Running, free},
    stage::Stage,
};
use crate::Failure;

const ROUNDS: usize = 3;

pub(super) fn run(stage: &Stage) -> Result<String, Failure> {
    let url = stage.database("rolling")?;
    let owner = stage.bootstrap(&url)?;
    let places = [free()?, free()?];
    let start = |place: SocketAddr| {
        stage.start(stage.serving(&url, None, &place.to_string()), &format!("{}.log", place.port()))
    };
    let mut servers = Vec::new();
    for place in places {
        servers.push(start(place)?);
    }
    let front = free()?;
    let _nginx = nginx(stage.folder(), front, &places)?;
    let session = Caller::new(front).session(&owner)?;
    let mut askings = Vec::new();
    for _ in 0..4 {
        let token = owner.token.clone();
        askings.push(Asking::start(front, move |caller| caller.exchange(&token)));
    }
    let admin = Caller::new(front);
    let mut revoked = 0;
    for _ in 0..ROUNDS {
        for (place, address) in places.into_iter().enumerate() {
            servers.remove(place).stop()?;
            // Whichever is left.
            let (id, token) = admin.created(&session)?;
            servers.insert(place, start(address)?);
            admin.revoke(&session, &id)?.good(204)?;
            for server in &servers {
                let status = Caller::new(server.address).exchange(&token)?.status;
                ensure(status == 401, || format!("{status} for what was revoked"))?;
            }
            revoked += 1;
            pass(Duration::from_millis(300));
        }
    }
    let mut seen = Vec::new();
    for asking in askings {
        seen.extend(asking.stop()?);
    }
    ensure(seen.iter().all(|one| one.status == 200), || format!("not always 200: {}", summary(&seen)))?;
    Ok(format!("{} restarts; exchanges: {}; {revoked} revocations held on both", ROUNDS * 2, summary(&seen)))
}

fn nginx(folder: &Path, listen: SocketAddr, servers: &[SocketAddr]) -> Result<Running, Failure> {
    let upstream: Vec<_> = servers.iter().map(|server| format!("server {server} max_fails=0;")).collect();
    let upstream = upstream.join(" ");
    let here = folder.display();
    let text = format!(
        "daemon off; pid {here}/nginx.pid; error_log {here}/nginx.log; events {{}}\n\
         http {{ access_log off; client_body_temp_path {here}/nginx-body; proxy_temp_path {here}/nginx-proxy;\n\
         fastcgi_temp_path {here}/nginx-fastcgi; uwsgi_temp_path {here}/nginx-uwsgi;\n\
         scgi_temp_path {here}/nginx-scgi;\n\
         upstream patmint {{ {upstream} keepalive 16; }}\n\
         server {{ listen {listen}; location / {{ proxy_pass http://patmint; proxy_http_version 1.1;\n\
         proxy_set_header Connection ''; proxy_next_upstream error timeout non_idempotent; }} }} }}\n",
    );
    let path = folder.join("nginx.conf");
    fs::write(&path, text)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).arg("-c").arg(&path).stdin(Stdio::null()).stdout(Stdio::null());
    let nginx = Running::start(&mut command)?;
    let began = Instant::now();
    while TcpStream::connect(listen).is_err() {
        ensure(began.elapsed() < Duration::from_secs(10), || "nginx does not come up".to_owned())?;
    }
    Ok(nginx)
}
