import java.io.ByteArrayInputStream;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.Scanner;

/**
 * Shows what the JDK reads of certificates: a line of base64 DER each in, six lines of base64 text each out, or one that
 * begins with an exclamation mark where it refuses the certificate.
 */
class Facts {
    public static void main(String[] arguments) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        Scanner input = new Scanner(System.in);
        while (input.hasNextLine()) {
            byte[] der = Base64.getDecoder().decode(input.nextLine());
            X509Certificate certificate;
            try {
                certificate = (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der));
            } catch (CertificateException refusal) {
                System.out.println("!" + refusal);
                continue;
            }
            show(certificate.getIssuerX500Principal().getName());
            show(certificate.getSubjectX500Principal().getName());
            show(certificate.getSigAlgName());
            show(certificate.getSerialNumber().toString());
            show(certificate.getNotBefore().getTime() + " " + certificate.getNotAfter().getTime());
            show(Base64.getEncoder().encodeToString(certificate.getPublicKey().getEncoded()));
        }
    }

    private static void show(String text) throws Exception {
        System.out.println(Base64.getEncoder().encodeToString(text.getBytes("UTF-8")));
    }
}
