//! kubectl's connection flags.

use std::path::PathBuf;

/// How to reach the server: kubectl's flags, with kubectl's meaning.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectFlags {
    /// Path to the kubeconfig file; otherwise $KUBECONFIG, otherwise ~/.kube/config
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig context to use
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// The kubeconfig cluster to use
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub cluster: Option<String>,
    /// The kubeconfig user to use
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub user: Option<String>,
    /// The namespace to work in
    #[arg(long, short, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Address of the API server, such as https://127.0.0.1:6443
    #[arg(long, short, global = true, hide_short_help = true, value_name = "URL")]
    pub server: Option<String>,
    /// Bearer token
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub token: Option<String>,
    /// File with the certificate authority that signed the server's certificate
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// File with the client certificate
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
    /// File with the client certificate's key
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// Do not verify the server's certificate: insecure
    #[arg(long, global = true, hide_short_help = true)]
    pub insecure_skip_tls_verify: bool,
    /// Name to expect in the server's certificate
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// User to impersonate
    #[arg(
        long = "as",
        global = true,
        hide_short_help = true,
        value_name = "USER"
    )]
    pub impersonate: Option<String>,
    /// Group to impersonate; may be repeated
    #[arg(
        long = "as-group",
        global = true,
        hide_short_help = true,
        value_name = "GROUP"
    )]
    pub impersonate_groups: Vec<String>,
    /// UID to impersonate
    #[arg(
        long = "as-uid",
        global = true,
        hide_short_help = true,
        value_name = "UID"
    )]
    pub impersonate_uid: Option<String>,
    /// Extra of the user to impersonate; may be repeated, for one key too
    #[arg(
        long = "as-user-extra",
        global = true,
        hide_short_help = true,
        value_name = "KEY=VALUE"
    )]
    pub impersonate_extra: Vec<String>,
    /// Give up on a request after this time, such as 5s, 2m or 1h; 0 never does
    #[arg(long, global = true, hide_short_help = true, value_name = "TIME")]
    pub request_timeout: Option<String>,
}

impl ConnectFlags {
    /// The first of the flags given that says which server to ask, or as whom it is to know us.
    pub fn chosen(&self) -> Option<&'static str> {
        let kubeconfig = (self.kubeconfig.is_some(), "--kubeconfig");
        std::iter::once(kubeconfig)
            .chain(self.chosen_in_file())
            .find_map(|(given, flag)| given.then_some(flag))
    }

    /// The first of the flags given that has no meaning where a kubeconfig is written.
    pub fn beside_file(&self) -> Option<&'static str> {
        let others = [
            (self.namespace.is_some(), "--namespace"),
            (self.impersonate.is_some(), "--as"),
            (!self.impersonate_groups.is_empty(), "--as-group"),
            (self.impersonate_uid.is_some(), "--as-uid"),
            (!self.impersonate_extra.is_empty(), "--as-user-extra"),
            (self.request_timeout.is_some(), "--request-timeout"),
        ];
        self.chosen_in_file()
            .into_iter()
            .chain(others)
            .find_map(|(given, flag)| given.then_some(flag))
    }

    fn chosen_in_file(&self) -> [(bool, &'static str); 10] {
        [
            (self.context.is_some(), "--context"),
            (self.cluster.is_some(), "--cluster"),
            (self.user.is_some(), "--user"),
            (self.server.is_some(), "--server"),
            (self.token.is_some(), "--token"),
            (
                self.certificate_authority.is_some(),
                "--certificate-authority",
            ),
            (self.client_certificate.is_some(), "--client-certificate"),
            (self.client_key.is_some(), "--client-key"),
            (self.insecure_skip_tls_verify, "--insecure-skip-tls-verify"),
            (self.tls_server_name.is_some(), "--tls-server-name"),
        ]
    }
}
