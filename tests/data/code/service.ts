import nodemailer, { Transporter, type TransportOptions } from "nodemailer";
import type SMTPTransport from "nodemailer/lib/smtp-transport";
const { SMTP_USER, SMTP_PASS: password = "d" } = process.env;
const PORT: number = Number(process.env.SMTP_PORT ?? 587);
const secure = PORT === 465, hosts = ["a.example.test", `b.${"example"}.test`];
enum Mode { Off = "off" }
interface Options { host: string }
export const options = <SMTPTransport.Options>{ host: hosts[0], port: PORT, secure, "tls": { minVersion: 'TLSv1.2' }, auth: { user: SMTP_USER!, pass: password }, ...({} as object) };
export class Mailer {
  private static readonly host = "smtp.example.test";
  private transporter: Transporter = nodemailer.createTransport({ host: Mailer.host, requireTLS: !!process.env.TLS, ignoreTLS: !true, port: parseInt(process.env.P || "25", 10) } satisfies TransportOptions);
  constructor(private readonly config: ConfigService) {
    this.transporter = nodemailer.createTransport({ host: this.config.get<string>("MAIL_HOST", "h"), service: cond ? "Gmail" : "Gmail", secure: (process.env.SECURE || "false").toLowerCase() === "true" });
  }
  async send({ to, from = "x@example.test" }: { to: string; from?: string }, ...rest: string[]) {
    switch (to) { case "a": this.x = 1; break; default: this.x = 2; }
    for (const one of rest) { one.y = 3 }
    while (false) { z = 4; }
    try { await this.transporter.sendMail({ from, to, subject: 'a' + 1 + `b` }); } catch (e) { w = null; } finally { v = undefined; }
    return new URL("smtp://u:p@h:25");
  }
}
export default defineConfig({ mail: { url: process.env["MAIL_URL"], list: [1, -2, 0x10, 1_000, 1e3], re: /x/g, fn: () => ({ a: 1 }), async m() { return 2; }, get g() { return 3; }, ['c' + 'd']: true, big: 5n } });
let a; a ||= "x"; a ??= 'y'; const b = void 0, c = typeof a, [d, e = 6] = [7], f = (8, 9), g = a && "z", h = JSON.parse('{"k": 1}'), i = Object.freeze({ j: "k" }), l = String(587), m = Boolean("false"), n = "true" == process.env.N, o = ["1", "true"].includes(process.env.O);
module.exports.mailer = { host: "m" }; exports.other = require("nodemailer").createTransport("smtp://u:p@h:587");
label: if (!process.env.Q) throw new Error("no"); else if (a) { q = 1 }
