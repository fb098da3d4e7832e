package main

import (
	"crypto/tls"
	"fmt"

	gomail "gopkg.in/mail.v2"
)

func main() {
  m := gomail.NewMessage()
  m.SetHeader("From", "security@firma.org")
  m.SetHeader("To", "bharath@firma.org")
  m.SetBody("text/plain", "This is Gomail test body")

  d := gomail.NewDialer("smtp.gmail.com", 587, "security@firma.org", "abcdefghijklmnop")

  d.TLSConfig = &tls.Config{InsecureSkipVerify: true}

  if err := d.DialAndSend(m); err != nil {
    fmt.Println(err)
    panic(err)
  }
}
