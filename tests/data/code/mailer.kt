const val HOST = "smtp"
fun main(a: String = "x") { val props = Properties(); props["mail.smtp.host"] = "h$HOST${HOST}"; props.put("mail.smtp.port", 587)
 val h = System.getenv("X") ?: "y"; val c = System.getenv("X")?.toInt() ?: 5; var n: String? = null
 val s = SimpleEmail(host = "x", port = 5).apply { setHostName("x"); isSSLOnConnect = true }
 val p = Properties().apply { put("mail.a", "b"); this["mail.c"] = true }; val e = "\$x é"; val mm = mapOf("a" to "b") }
class Cfg(val host: String = "x") { val y = "z" }
object O { val k = "v" }
