package main

import "net/smtp"

func main() {
	auth := smtp.PlainAuth("", "bot@example.org", "k2-mx91-qz", "smtp.zoho.com")
	smtp.SendMail("smtp.zoho.com:465", auth, "bot@example.org", []string{"team@example.org"}, []byte("x"))
}
