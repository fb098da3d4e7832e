package mail

import (
	"net/smtp"
	"os"
)

func SendMail(toAddr string) error {

	from := "dev.socks@gmail.com"
	to := "orders.socks@outlook.com"

	msg := "From: " + from + "\n" +
		"To: " + to + "\n" +
		"Subject: Hello there\n\n" +
		"This is a test"
	auth := smtp.PlainAuth("", "dev.socks@gmail.com", os.Getenv("EMAIL_AP"), "smtp.gmail.com")
	err := smtp.SendMail("smtp.gmail.com:587", auth, from, []string{to}, []byte(msg))
	if err != nil {
		return err
	}

	return nil
}
