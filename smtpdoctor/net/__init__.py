"""What the network says below SMTP: TLS contexts, certificates, and second looks at a handshake."""
