/* A static upstream: one thread, epoll, prebuilt responses. Cheap enough that the proxy in front of it is what is measured.
   usage: upstream PORT SIZE…   answers /b{SIZE}, whatever the method, with a JSON body of that many bytes, and every Invoke call of the Lambda API
   with what a proxy function returns. Bodies of requests are read over. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { KINDS = 8, CONNECTIONS = 65536, HEAD = 4096 };
static struct { char path[32]; char *bytes; size_t length; } responses[KINDS];
static struct { char head[HEAD]; size_t length; } *connections;
static int kinds;

static void prepare(const char *size) {
  size_t body = strtoul(size, NULL, 10);
  char *bytes = malloc(body + 256);
  int head = sprintf(bytes, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", body);
  memset(bytes + head, 'x', body);
  memcpy(bytes + head, "{\"pad\": \"", 9);
  memcpy(bytes + head + body - 2, "\"}", 2);
  sprintf(responses[kinds].path, "/b%s ", size);
  responses[kinds].bytes = bytes;
  responses[kinds++].length = head + body;
}

/* {"statusCode": 200, "headers": …, "body": …}, the body as long as that of /b128. */
static void prepare_function(void) {
  char result[512], *bytes = malloc(1024);
  int body = sprintf(result, "{\"statusCode\": 200, \"headers\": {\"X-Version\": \"1\"}, \"body\": \"{\\\"pad\\\": \\\"%0116d\\\"}\"}", 0);
  strcpy(responses[kinds].path, "/2015-03-31/functions/");
  responses[kinds].length = sprintf(bytes, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-amzn-RequestId: "
                                    "7d0a4f0c-6b5c-4a38-9b63-3d2f1f6d9c11\r\nContent-Length: %d\r\n\r\n%s", body, result);
  responses[kinds++].bytes = bytes;
}

static int answer(int fd, const char *head) {
  const char *path = strchr(head, ' ');
  for (int i = 0; path && i < kinds; i++)
    if (strncmp(path + 1, responses[i].path, strlen(responses[i].path)) == 0)
      return write(fd, responses[i].bytes, responses[i].length) == (ssize_t)responses[i].length;
  return 0;
}

/* How long a request is, body included. Its head, up to `end`, is whole. */
static size_t whole(const char *head, char *end) {
  *end = 0;
  const char *length = strcasestr(head, "\r\ncontent-length:");
  size_t body = length ? strtoul(length + 17, NULL, 10) : 0;
  *end = '\r';
  return end + 4 - head + body;
}

/* Reads what is there and answers every whole request; 0 when the connection is to be closed. */
static int serve(int fd) {
  char *head = connections[fd].head;
  ssize_t got = read(fd, head + connections[fd].length, HEAD - 1 - connections[fd].length);
  if (got <= 0) return 0;
  size_t length = connections[fd].length += got;
  head[length] = 0;
  for (char *end; (end = strstr(head, "\r\n\r\n"));) {
    size_t request = whole(head, end);
    if (request > length) break;
    if (!answer(fd, head)) return 0;
    length -= request;
    memmove(head, head + request, length + 1);
  }
  connections[fd].length = length;
  return length < HEAD - 1;
}

int main(int argc, char **argv) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(atoi(argv[1]))};
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0);
  for (int i = 2; i < argc && kinds < KINDS - 1; i++) prepare(argv[i]);
  prepare_function();
  connections = calloc(CONNECTIONS, sizeof *connections);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) return perror("upstream"), 1;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int ready = epoll_wait(poll, events, 256, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd != listener) {
        if (!serve(fd)) close(fd);
        continue;
      }
      if ((fd = accept(listener, NULL, NULL)) < 0 || fd >= CONNECTIONS) continue;
      connections[fd].length = 0;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      event.data.fd = fd;
      epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    }
  }
}
