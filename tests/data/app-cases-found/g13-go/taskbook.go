package main

import "net/smtp"

func sendmailyandex(stema, smsg, toaddr string) bool {
	auth := smtp.PlainAuth("", "magazinbot@yandex.ru", "qwe123!!", "smtp.yandex.ru")
	to := []string{toaddr}
	msg := []byte("To: " + toaddr + "\r\n" + smsg + "\r\n")
	err := smtp.SendMail("smtp.yandex.ru:25", auth, "magazinbot@yandex.ru", to, msg)
	if err != nil {
		panic(err)
	}
	return true
}
