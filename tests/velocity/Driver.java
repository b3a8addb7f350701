import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.StringWriter;
import java.util.Base64;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.VelocityEngine;

/** Renders templates with Apache Velocity: one in base64 a line in, one output in base64 (or `!` and the exception) a line out. */
public class Driver {
    public static void main(String[] arguments) throws Exception {
        VelocityEngine engine = new VelocityEngine();
        engine.setProperty("runtime.log.logsystem.class", "org.apache.velocity.runtime.log.NullLogChute");
        engine.init();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String template = new String(Base64.getDecoder().decode(line), "UTF-8");
            System.out.println(render(engine, template));
        }
    }

    private static String render(VelocityEngine engine, String template) throws Exception {
        StringWriter out = new StringWriter();
        try {
            engine.evaluate(new VelocityContext(), out, "template", template);
            return Base64.getEncoder().encodeToString(out.toString().getBytes("UTF-8"));
        } catch (RuntimeException error) {
            return "!" + String.valueOf(error).replace('\n', ' ');
        }
    }
}
