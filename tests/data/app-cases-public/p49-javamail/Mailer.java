import java.util.Properties;
import javax.mail.*;
import javax.mail.internet.*;

public class Mailer {
    public static void main(String[] args) throws Exception {
        Properties props = new Properties();
        props.put("mail.smtp.auth", "true");
        props.put("mail.smtp.starttls.enable", "true");
        props.put("mail.smtp.host", "smtp.gmail.com");
        props.put("mail.smtp.port", "587");
        Session session = Session.getInstance(props, new Authenticator() {
            protected PasswordAuthentication getPasswordAuthentication() {
                return new PasswordAuthentication("desk.mail@gmail.com", "abcdwxyzefghqrst");
            }
        });
        Message message = new MimeMessage(session);
        message.setFrom(new InternetAddress("desk.mail@gmail.com"));
        Transport.send(message);
    }
}
