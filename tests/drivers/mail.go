// Sends mail through Go's net/smtp: one JSON object a line in and out, as python_mail.py.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/smtp"
	"os"
)

type known struct {
	Id      string
	Host    string
	Port    int
	Options struct{ Auth bool }
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var one known
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			panic(err)
		}
		var auth smtp.Auth
		if one.Options.Auth {
			auth = smtp.PlainAuth("", one.Id, "secret", one.Host)
		}
		message := []byte("Subject: x\r\n\r\nx\r\n")
		place := fmt.Sprintf("%s:%d", one.Host, one.Port)
		said := ""
		err := smtp.SendMail(place, auth, one.Id+"@example.test", []string{"somebody@example.test"}, message)
		if err != nil {
			said = err.Error()
		}
		text, _ := json.Marshal(map[string]string{"id": one.Id, "error": said})
		fmt.Println(string(text))
	}
}
