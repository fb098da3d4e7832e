package a.b
import org.simplejavamail.api.mailer.Mailer
@Configuration
class Config(@Value("\${MAIL_HOST:h}") private val host: String, val env: Map<String, String> = mapOf("k" to "v")) {
  companion object { const val PORT = 587; private val HOSTS = listOf("a", "b") }
  var secure: Boolean = true
    get() = field
  @Bean fun sender(): JavaMailSender = JavaMailSenderImpl().also { it.host = "x"; it.port = PORT; it.javaMailProperties["mail.smtp.auth"] = "true" }
  fun f(x: Int?): String { val a = if (x == 1) "a" else "b"; val b = when (x) { 1 -> "c"; else -> "c" }; val c = System.getenv().getOrDefault("C", "d"); val d = """raw $a"""; val e = "e" + 1 + 'f'; val (g, h) = Pair(1, 2)
    for (i in HOSTS) { println(i) }; while (false) { }; try { y = 1 } catch (e: Exception) { y = 2 } finally { z = 3 }
    val props = Properties().apply { setProperty("mail.smtp.host", "h"); this["mail.smtp.port"] = 25; put("mail.smtp.ssl.enable", !false) }; with(props) { put("mail.smtp.timeout", 5_000L) }
    return x?.let { "$it" } ?: throw IllegalStateException() }
}
