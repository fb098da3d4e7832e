// Sends mail through JavaMail, by itself or through Spring's sender: one JSON object a line in and out, as
// python_mail.py. CA_OF_TEST is the CA that is trusted.
import java.io.*;
import java.nio.file.*;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.*;
import java.util.regex.*;
import javax.mail.*;
import javax.mail.internet.*;
import javax.net.ssl.*;

public class JavaMail {
    // Flat objects of texts and numbers are all that is asked.
    private static final Pattern PAIR = Pattern.compile("\"([^\"]+)\"\\s*:\\s*(?:\"([^\"]*)\"|(\\d+))");

    public static void main(String[] arguments) throws Exception {
        trust(System.getenv("CA_OF_TEST"));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Map<String, String> known = new LinkedHashMap<>();
            Matcher pairs = PAIR.matcher(line);
            while (pairs.find()) {
                known.put(pairs.group(1), pairs.group(2) != null ? pairs.group(2) : pairs.group(3));
            }
            String error = "";
            try {
                send(known, arguments.length > 0 && arguments[0].equals("spring"));
            } catch (Throwable failure) {
                error = failure.toString().replaceAll("[^ -!#-\\[\\]-~]", " ");
            }
            System.out.println("{\"id\": \"" + known.get("id") + "\", \"error\": \"" + error + "\"}");
        }
    }

    private static void send(Map<String, String> known, boolean spring) throws Exception {
        Properties properties = new Properties();
        String protocol = known.getOrDefault("protocol", "smtp");
        for (Map.Entry<String, String> one : known.entrySet()) {
            if (one.getKey().startsWith("mail.")) {
                properties.put(one.getKey(), one.getValue());
            }
        }
        properties.put("mail." + protocol + ".timeout", "10000");
        properties.put("mail." + protocol + ".auth", "true");
        // What it would look up otherwise, with a name server that may not answer.
        properties.put("mail." + protocol + ".localhost", "localhost");
        properties.put("mail.from", known.get("id") + "@example.test");
        String host = known.get("host"), id = known.get("id");
        int port = Integer.parseInt(known.get("port"));
        if (spring) {
            Spring.send(properties, protocol, host, port, id);
            return;
        }
        Session session = Session.getInstance(properties);
        MimeMessage message = new MimeMessage(session);
        message.setFrom(new InternetAddress(id + "@example.test"));
        message.setRecipients(Message.RecipientType.TO, "somebody@example.test");
        message.setText("x");
        Transport transport = session.getTransport(protocol);
        transport.connect(host, port, id, "secret");
        try {
            transport.sendMessage(message, message.getAllRecipients());
        } finally {
            transport.close();
        }
    }

    private static void trust(String pem) throws Exception {
        if (pem == null) {
            return;
        }
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        int number = 0;
        try (InputStream stream = Files.newInputStream(Paths.get(pem))) {
            for (Object one : CertificateFactory.getInstance("X.509").generateCertificates(stream)) {
                store.setCertificateEntry("ca" + number++, (java.security.cert.Certificate) one);
            }
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        SSLContext.setDefault(context);
    }

    // Loaded only where Spring is asked for, through reflection: the file compiles without it.
    private static class Spring {
        static void send(Properties properties, String protocol, String host, int port, String id) throws Exception {
            Class<?> kind = Class.forName("org.springframework.mail.javamail.JavaMailSenderImpl");
            Object sender = kind.getDeclaredConstructor().newInstance();
            kind.getMethod("setHost", String.class).invoke(sender, host);
            kind.getMethod("setPort", int.class).invoke(sender, port);
            kind.getMethod("setProtocol", String.class).invoke(sender, protocol);
            kind.getMethod("setUsername", String.class).invoke(sender, id);
            kind.getMethod("setPassword", String.class).invoke(sender, "secret");
            kind.getMethod("setJavaMailProperties", Properties.class).invoke(sender, properties);
            MimeMessage message = (MimeMessage) kind.getMethod("createMimeMessage").invoke(sender);
            message.setFrom(new InternetAddress(id + "@example.test"));
            message.setRecipients(Message.RecipientType.TO, "somebody@example.test");
            message.setText("x");
            try {
                kind.getMethod("send", MimeMessage.class).invoke(sender, message);
            } catch (java.lang.reflect.InvocationTargetException failure) {
                throw new Exception(failure.getCause());
            }
        }
    }
}
