import java.util.Properties;
import javax.mail.*;

public class Mail {
  static void send() {
		String host = "smtp.naver.com";
		final String username = "hello93";
		final String password = "ABCD1234EFGH";
		int port = 465;

		Properties props = System.getProperties();
		props.put("mail.smtp.host", host);
		props.put("mail.smtp.port", port);
		props.put("mail.smtp.auth", "true");
		props.put("mail.smtp.ssl.enable", "true");
		props.put("mail.smtp.ssl.trust", host);

		Session session = Session.getDefaultInstance(props, new javax.mail.Authenticator() {
			protected javax.mail.PasswordAuthentication getPasswordAuthentication(){
				return new javax.mail.PasswordAuthentication(username, password);
			}
		});
  }
}
