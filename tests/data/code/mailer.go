package main
import ( "net/smtp"; m2 "gopkg.in/mail.v2" )
const HOST = "smtp"
const ( A, B = 1, "x" )
var d string = os.Getenv("X")
func main() { a := smtp.PlainAuth("", "u", "p"+HOST, `raw`); d := gomail.NewDialer(HOST, 587, "u", "p"); d.SSL = true; d.TLSConfig = &tls.Config{InsecureSkipVerify: true, ServerName: h}
 x := m2.Dialer{Host: "h", Port: 587}; y := []string{"a", "b"}; m := map[string]string{"host": "x"}; p, _ := strconv.Atoi(os.Getenv("P")); if v, ok := os.LookupEnv("X"); ok { x = v } else { x = "y" }; smtp.SendMail(fmt.Sprintf("%s:%d", HOST, 587), a, "f", y, nil); err := d.DialAndSend(m); d.StartTLSPolicy = m2.MandatoryStartTLS; z := getEnvAsInt("T", 25)
 q := strings.ToLower("ABC"); m["a"] = "b"; s := S{"a", 5} }
