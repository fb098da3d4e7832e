package main

import (
	"log"
	"net/smtp"
	"os"
)

func main() {
	auth := smtp.PlainAuth("", os.Getenv("MAIL_USER"), os.Getenv("MAIL_PASS"), "smtp.gmail.com")
	err := smtp.SendMail("smtp.gmail.com:587", auth, os.Getenv("MAIL_USER"), []string{"team@example.org"}, []byte("x"))
	if err != nil {
		log.Fatal(err)
	}
}
