package rig;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.quartz.SchedulerException;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.availability.ApplicationAvailability;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.http.HttpInputMessage;
import org.springframework.http.HttpOutputMessage;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.AbstractHttpMessageConverter;
import org.springframework.stereotype.Component;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** What a Rundeck serves without a token, and the controls of the rig: {@code /rig/*}, which no Rundeck has. */
@RestController
public class Web {
    private static final MediaType HTML = MediaType.parseMediaType("text/html;charset=utf-8");

    private final ApplicationAvailability availability;
    private final Database database;
    private final Life life;
    private final boolean monitoring;

    Web(ApplicationAvailability availability, Database database, Life life, @Value("${rig.monitoring}") boolean monitoring) {
        this.availability = availability;
        this.database = database;
        this.life = life;
        this.monitoring = monitoring;
    }

    /** The whole of Rundeck's own. The type is set here: {@code produces} would answer 406 to {@code Accept: application/json}. */
    @RequestMapping("/health")
    ResponseEntity<Unmeasured> health() {
        return ResponseEntity.ok().contentType(HTML).body(new Unmeasured("ok"));
    }

    /** Of 6.x: start-up and shutdown, from Spring's own state; not the database. */
    @GetMapping("/monitoring/health/readiness")
    ResponseEntity<String> readiness() {
        if (!monitoring) {
            return login();
        }
        return availability.getReadinessState() == ReadinessState.ACCEPTING_TRAFFIC
                ? Api.json(200, "{\"status\":\"UP\"}")
                : Api.json(503, "{\"status\":\"DOWN\",\"readiness\":\"REFUSING_TRAFFIC\"}");
    }

    @GetMapping("/monitoring/health")
    ResponseEntity<String> monitoring() {
        return monitoring ? Api.json(200, "{\"status\":\"UP\"}") : login();
    }

    /** Where the actuator is switched on it comes first; else it is a path that the server knows and does not serve. */
    @RequestMapping("/actuator/**")
    ResponseEntity<String> actuator() {
        return ResponseEntity.notFound().build();
    }

    @GetMapping("/user/login")
    ResponseEntity<String> page() {
        return ResponseEntity.ok().contentType(HTML).body("<html><body>Login</body></html>");
    }

    @RequestMapping("/**")
    ResponseEntity<String> login() {
        return ResponseEntity.status(302).location(URI.create("/user/login")).build();
    }

    /** Starts a job of this length. */
    @PostMapping("/rig/job")
    Map<String, Object> job(@RequestParam("ms") long millis) throws SchedulerException {
        life.startJob(millis);
        return Map.of("started", true);
    }

    /** A request of this length that needs no database. */
    @GetMapping("/rig/slow")
    Map<String, Object> slow(@RequestParam("ms") long millis) {
        Life.pass(Duration.ofMillis(millis));
        return Map.of("done", true);
    }

    /** A request that needs the database, as a user's page does. */
    @GetMapping("/rig/page")
    Map<String, Object> databasePage() throws SQLException {
        database.ask();
        return Map.of("done", true);
    }

    /** A body that is sent without its length, as Rundeck sends it: chunked where the connection is kept. */
    record Unmeasured(String text) {}

    /** Flushes, which commits the answer, before anybody knows how long it is. */
    @Component
    static class UnmeasuredWriter extends AbstractHttpMessageConverter<Unmeasured> {
        UnmeasuredWriter() {
            super(MediaType.ALL);
        }

        @Override
        protected boolean supports(Class<?> type) {
            return type == Unmeasured.class;
        }

        @Override
        protected Unmeasured readInternal(Class<? extends Unmeasured> type, HttpInputMessage input) throws IOException {
            throw new IOException("it is only written");
        }

        @Override
        protected void writeInternal(Unmeasured body, HttpOutputMessage output) throws IOException {
            output.getBody().write(body.text().getBytes(StandardCharsets.UTF_8));
            output.getBody().flush();
        }
    }
}
