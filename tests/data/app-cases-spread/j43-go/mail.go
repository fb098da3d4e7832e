package mail

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
)

func Send(servername, username, password string, from, to mail.Address, subject, body string) error {
	message := fmt.Sprintf("From: %s\r\nTo: %s\r\n\r\n%s", from.String(), to.String(), body)

	host, _, _ := net.SplitHostPort(servername)

	auth := smtp.PlainAuth("", username, password, host)

	tlsconfig := &tls.Config {
		InsecureSkipVerify: true,
		ServerName: host,
	}

	conn, err := tls.Dial("tcp", servername, tlsconfig); if err != nil { return err }

	c, err := smtp.NewClient(conn, host); if err != nil { return err }

	if err = c.Auth(auth); err != nil { return err }

	if err = c.Mail(from.Address); err != nil { return err }

	if err = c.Rcpt(to.Address); err != nil { return err }

	w, err := c.Data(); if err != nil { return err }
	_, err = w.Write([]byte(message)); if err != nil { return err }
	err = w.Close(); if err != nil { return err }

	c.Quit()
	return nil
}
