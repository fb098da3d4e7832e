package utils

import (
	"fmt"
	"math/rand"
	"time"

	"gopkg.in/gomail.v2"
)

func SendCode(addr string) (code string, err error) {
	rnd := rand.New(rand.NewSource(time.Now().UnixNano()))
	code = fmt.Sprintf("%06v", rnd.Int31n(1000000))

	m := gomail.NewMessage()
	m.SetHeader("From", "1987231999@qq.com") //发件人
	m.SetHeader("To", addr)       //收件人
	m.SetBody("text/html", "您的验证码为:"+code) //邮件内容

	d := gomail.NewDialer("smtp.qq.com", 465, "1987231999@qq.com", "abcdefghijklmnop")
	if err := d.DialAndSend(m); err != nil {
		return "",err
	}
	return code,err
}
