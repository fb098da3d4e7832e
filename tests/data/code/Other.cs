using System.Net.Mail; using MailKit.Net.Smtp;
namespace A.B;
public record Options(string Host = "h", int Port = 587);
public static class Program {
  private static readonly Dictionary<string, string> Map = new() { ["a"] = "b" };
  const int P = 25 + 0; static readonly string T = "a" + "b" + P;
  public static void Main(string[] args) {
    var builder = WebApplication.CreateBuilder(args); var port = int.Parse(Environment.GetEnvironmentVariable("PORT") ?? "587");
    var s = builder.Configuration.GetSection("Smtp"); var h = s["Host"]; var on = bool.Parse(builder.Configuration["Smtp:Ssl"]!);
    SmtpClient client = new SmtpClient { Host = h, Port = port, EnableSsl = on, DeliveryMethod = SmtpDeliveryMethod.Network, UseDefaultCredentials = false };
    client.Credentials = new NetworkCredential(userName: "u", password: Environment.GetEnvironmentVariable("PW"));
    if (on) { client.Timeout = 10_000; } else if (port == 25) client.Timeout = 5; else { client.Timeout = 7; }
    switch (port) { case 1: client.TargetName = "x"; break; default: client.TargetName = "y"; break; }
    foreach (var one in args) { client.Host = one; } for (int i = 0; i < 2; i++) { } while (false) { } do { } while (false);
    try { client.Send("a@b", "c@d", "s", """raw "text" """); } catch (Exception e) when (e != null) { throw; } finally { client.Dispose(); }
    var t = port switch { 25 => "a", _ => "b" }; var u = (string)"c"; var v = on ? "d" : "d"; var w = nameof(client); var x = default(string); var y = -1; var z = !true; string? n = null;
    var (p1, p2) = ("e", 5); object[] arr = { "f", 6 }; int[] nums = [1, 2]; var str = string.Format("{0}:{1}", "g", 7); var tr = "  i ".Trim(); lock (arr) { } using (var k = new MailKit.Net.Smtp.SmtpClient()) { k.Connect("j", 465, true); k.Authenticate("u", "p"); }
    services.Configure<Options>(o => { o.Host = "l"; o.Port = 2525; }); Func<int> f = () => 5; this.Field = 'c'; Options rec = new("m") { }; var copy = rec with { Port = 1 };
  }
  public string Name { get => "n"; init; } = "o"; public int this[int i] => i; event Action E; enum Mode { A = 1 }
}
