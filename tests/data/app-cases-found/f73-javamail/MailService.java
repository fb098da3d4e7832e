import java.util.Properties;
import javax.mail.*;

public class MailService {
  public void send(Member m) throws Exception {
	         String host="smtp.naver.com";
	         String user="buchladen@naver.com";
	         String password="NN63VV8K2Q4T";

	         String sendEmail=m.getEmail();

	         //smtp 서버 설정
	         Properties props = new Properties();
	           props.put("mail.smtp.host", host);
	           props.put("mail.smtp.port", 465);
	           props.put("mail.smtp.auth", "true");
	           props.put("mail.smtp.ssl.enable", "true");
	           props.put("mail.smtp.starttls.enable","true");
	           props.put("mail.smtp.ssl.trust", "smtp.naver.com");

	           Session session1 = Session.getDefaultInstance(props, new javax.mail.Authenticator() {
	               protected PasswordAuthentication getPasswordAuthentication() {
	                   return new PasswordAuthentication(user, password);
	               }
	           });
  }
}
