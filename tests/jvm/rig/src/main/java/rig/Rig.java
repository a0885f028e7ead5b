package rig;

import javax.sql.DataSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.actuate.jdbc.DataSourceHealthIndicator;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;

/** The frameworks under a Rundeck, with nothing of Rundeck in them: see README.md. */
@SpringBootApplication
public class Rig {
    static final String VALIDATION = "SELECT 1";

    /**
     * Rundeck catches what its start throws. Quartz has threads that hold a JVM, so it lives on without a port unless somebody ends
     * it; both are seen.
     */
    public static void main(String[] arguments) {
        try {
            SpringApplication.run(Rig.class, arguments);
        } catch (RuntimeException failed) {
            System.out.println("failed");
            if (!Boolean.getBoolean("rig.lingers")) {
                System.exit(1);
            }
        }
    }

    /** As 4.2 to 5.16 spell it: Spring strips only {@code HealthIndicator} from a name, so the group finds it. */
    @Bean
    @ConditionalOnProperty(name = "rig.indicator", havingValue = "rundeckDataSourceHeathIndicator")
    DataSourceHealthIndicator rundeckDataSourceHeathIndicator(DataSource database) {
        return new DataSourceHealthIndicator(database, VALIDATION);
    }

    /** As 5.17 to 5.20 spell it: it becomes {@code rundeckDataSource}, and the group names something that is not there. */
    @Bean
    @ConditionalOnProperty(name = "rig.indicator", havingValue = "rundeckDataSourceHealthIndicator")
    DataSourceHealthIndicator rundeckDataSourceHealthIndicator(DataSource database) {
        return new DataSourceHealthIndicator(database, VALIDATION);
    }
}
