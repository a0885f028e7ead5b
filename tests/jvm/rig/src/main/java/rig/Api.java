package rig;

import java.lang.management.ManagementFactory;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.quartz.SchedulerException;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

/**
 * As much of Rundeck's API as an agent asks for: its bodies are copied from Rundeck's own tests, the order of its answers (bootstrap,
 * version, token) and the job count are real.
 *
 * <p>Two tokens: {@code rig.file-token} needs no database, {@code rig.database-token} is looked up in it at each call.
 */
@RestController
public class Api {
    private static final MediaType JSON = MediaType.parseMediaType("application/json;charset=utf-8");
    private static final int OLDEST = 14;

    private final Life life;
    private final Database database;
    private final String version;
    private final int newest;
    private final String fileToken;
    private final String databaseToken;
    private final AtomicBoolean active = new AtomicBoolean(true);

    Api(
            Life life,
            Database database,
            @Value("${rig.version}") String version,
            @Value("${rig.api}") int newest,
            @Value("${rig.file-token}") String fileToken,
            @Value("${rig.database-token}") String databaseToken) {
        this.life = life;
        this.database = database;
        this.version = version;
        this.newest = newest;
        this.fileToken = fileToken;
        this.databaseToken = databaseToken;
    }

    /** What an answer is made of once nothing speaks against giving it. */
    private interface Answer {
        String make() throws SchedulerException;
    }

    private static final String TOKEN_HEADER = "X-Rundeck-Auth-Token";

    @GetMapping("/api/{api}/system/info")
    ResponseEntity<String> info(@PathVariable("api") int api, @RequestHeader(name = TOKEN_HEADER, required = false) String token)
            throws SchedulerException {
        return guarded(api, "system/info", token, this::info);
    }

    @GetMapping("/api/{api}/system/executions/status")
    ResponseEntity<String> status(@PathVariable("api") int api, @RequestHeader(name = TOKEN_HEADER, required = false) String token)
            throws SchedulerException {
        return guarded(api, "system/executions/status", token, this::mode);
    }

    @PostMapping("/api/{api}/system/executions/{wanted:enable|disable}")
    ResponseEntity<String> switchMode(
            @PathVariable("api") int api,
            @PathVariable("wanted") String wanted,
            @RequestHeader(name = TOKEN_HEADER, required = false) String token)
            throws SchedulerException {
        return guarded(api, "system/executions/" + wanted, token, () -> {
            active.set(wanted.equals("enable"));
            return mode();
        });
    }

    /** In Rundeck's order: not there yet, wrong version, who are you, and then the answer. */
    private ResponseEntity<String> guarded(int api, String call, String token, Answer answer) throws SchedulerException {
        String path = "/api/" + api + "/" + call;
        if (!life.hasPassed(Life.Step.PLUGINS)) {
            return ResponseEntity.status(503).build();
        }
        if (api < OLDEST || api > newest) {
            String limit = api > newest ? "Current version: " + newest : "Minimum supported version: " + OLDEST;
            return error(400, "api.error.api-version.unsupported",
                    "Unsupported API Version \\\"" + api + "\\\". API Request: " + path + ". Reason: " + limit);
        }
        try {
            if (!accepts(token)) {
                return error(403, "unauthorized", "(" + shown(token) + ") is not authorized for: " + path);
            }
        } catch (SQLException gone) {
            return json(500, "{\"error\":\"A server error occurred\"}");
        }
        return json(200, answer.make());
    }

    private boolean accepts(String token) throws SQLException {
        if (databaseToken.equals(token)) {
            database.ask();
            return true;
        }
        return fileToken.equals(token) && life.hasPassed(Life.Step.TOKEN_FILE);
    }

    private static String shown(String token) {
        return token == null ? "unauthenticated" : "Token:" + token.substring(0, Math.min(5, token.length())) + "****";
    }

    private String mode() {
        return "{\"executionMode\":\"" + modeWord() + "\"}";
    }

    private String modeWord() {
        return active.get() ? "active" : "passive";
    }

    private String info() throws SchedulerException {
        long now = System.currentTimeMillis();
        long started = ManagementFactory.getRuntimeMXBean().getStartTime();
        Map<String, Object> values = Map.of(
                "VERSION", version, "API", newest, "MODE", modeWord(), "ACTIVE", active.get(), "RUNNING", life.running(),
                "NOW", now, "SINCE", started, "UPTIME", now - started);
        String text = """
                {"system":{"timestamp":{"epoch":$NOW,"unit":"ms","datetime":"2026-01-01T00:00:00Z"},
                "rundeck":{"version":"$VERSION","build":"$VERSION-0","buildGit":"v$VERSION-0-g0000000","node":"rig",
                "base":"/var/lib/rundeck","apiversion":"$API","serverUUID":"3b1c9d60-8a51-4f6e-9f0e-2f4c1a5d7e91"},
                "executions":{"active":"$ACTIVE","executionMode":"$MODE"},
                "os":{"arch":"amd64","name":"Linux","version":"6.1.0"},
                "jvm":{"name":"OpenJDK 64-Bit Server VM","vendor":"Debian","version":"17","implementationVersion":"17"},
                "stats":{"uptime":{"duration":$UPTIME,"unit":"ms","since":{"epoch":$SINCE,"unit":"ms","datetime":"2026-01-01T00:00:00Z"}},
                "cpu":{"loadAverage":{"unit":"percent","average":0},"processors":2},
                "memory":{"unit":"byte","max":67108864,"free":16777216,"total":33554432},
                "scheduler":{"running":$RUNNING,"threadPoolSize":10},"threads":{"active":20}},"extended":null}}""";
        for (Map.Entry<String, Object> value : values.entrySet()) {
            text = text.replace("$" + value.getKey(), value.getValue().toString());
        }
        return text;
    }

    private ResponseEntity<String> error(int status, String code, String message) {
        return json(status,
                "{\"error\":true,\"apiversion\":" + newest + ",\"errorCode\":\"" + code + "\",\"message\":\"" + message + "\"}");
    }

    static ResponseEntity<String> json(int status, String body) {
        return ResponseEntity.status(status).contentType(JSON).body(body);
    }
}
