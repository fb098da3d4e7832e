var nodemailer = require("nodemailer");
var transporter = nodemailer.createTransport({
        "host": "mail.gandi.net",
        "port": 587,
        "auth": {
                "user": "contact@atelier.example",
                "pass": "hh31-oo-22"
        }
});
