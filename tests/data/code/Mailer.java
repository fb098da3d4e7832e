package a; class A { private static final String HOST = "smtp", K = "mail.smtp.port"; 
 void f(String a) { Properties props = new Properties(); props.put("mail.smtp.host", HOST + ":" + 5); props.setProperty(A.K, System.getenv("X")); props.put(K, 587);
 Session s = Session.getInstance(props, new Authenticator() { protected PasswordAuthentication getPasswordAuthentication() { return new PasswordAuthentication("u", "p"); } });
 boolean b = Boolean.parseBoolean(System.getenv().getOrDefault("B", "true")); m.setFrom(new InternetAddress("a@b")); String q = System.getenv("X") != null ? System.getenv("X") : "d";
 try (Transport tr = s.getTransport("smtps")) { tr.connect("h", 465, "u", "p"); } catch (Exception e) { z = 1; } this.k = -1; } }
