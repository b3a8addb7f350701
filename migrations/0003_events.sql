-- Events of Lambda's asynchronous invocations: accepted, and not yet done with. A row goes when its event succeeded or was given
-- up. `due` is when a host may next take it. While a host holds it, that is when its claim runs out.
CREATE TABLE event (
    id text NOT NULL PRIMARY KEY,
    function text NOT NULL,
    qualifier text NOT NULL,
    client_context text NOT NULL,
    trace_id text NOT NULL,
    accepted bigint NOT NULL,
    due bigint NOT NULL,
    failures integer NOT NULL,
    refusals integer NOT NULL,
    claims integer NOT NULL,
    claimed_by text NOT NULL,
    -- Last: what reads the others does not walk over it.
    payload bytea NOT NULL
);
-- Holds all that finding work and counting need, so that neither reads payloads.
CREATE INDEX event_function ON event (function, due, accepted);
-- What is claimed, by whom: few rows of a long queue.
CREATE INDEX event_claimed ON event (claimed_by) WHERE claimed_by <> '';
