package rig;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.springframework.stereotype.Component;

/** One small question to the database, through the pool: it ends as the pool lets it end. */
@Component
class Database {
    private final DataSource pool;

    Database(DataSource pool) {
        this.pool = pool;
    }

    void ask() throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(Rig.VALIDATION);
        }
    }
}
