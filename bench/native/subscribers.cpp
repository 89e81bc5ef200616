// Thousands of WebSocket clients of a Socket.IO server in one thread: they connect, sign in, subscribe, answer pings, and
// count what they are sent. A load generator in Node costs as much for each frame as the server that it measures.
//
//   subscribers <count> <sign-in packet> <subscribe packet or ''> <port> [<port of a second node>]
//
// On the input, one command a line:
//   start         counts from zero
//   time          as `start`, and keeps the instant at which every event arrived
//   sent <p> <t>  the event with position p was sent at instant t, in nanoseconds of the monotonic clock
//   stop          says what has arrived since
// On the output: READY when everybody has subscribed, ROUND whenever as many events have arrived as there are clients,
// and STOPPED with what has arrived, as JSON.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

using std::string;
using std::string_view;

namespace {

constexpr uint32_t INPUT = UINT32_MAX;
// So many clients connect at once.
constexpr int HANDSHAKES = 64;
constexpr int NODES = 2;

struct Client {
  int socket = -1;
  int node = 0;
  bool upgraded = false;
  // The beginning of a frame whose end has not arrived.
  string rest;
};

struct Arrival {
  int64_t at;
  int node;
};

// What one frame says; everybody gets the same frames, so that the last one need not be read again.
struct Reading {
  string head;
  size_t length = 0;
  int events = 0;
  int64_t position = 0;
};

string signIn, subscribe;
std::vector<int> ports;
std::vector<Client> clients;
int epoll, begun = 0, ready = 0, closed = 0;
int64_t frames = 0, events = 0, inRound = 0;
bool keepsTimes = false;
Reading last;
std::unordered_map<int64_t, std::vector<Arrival>> arrivals;
std::unordered_map<int64_t, int64_t> sentAt;

[[noreturn]] void fail(const string& what) {
  fprintf(stderr, "subscribers: %s (%s)\n", what.c_str(), strerror(errno));
  exit(1);
}

int64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

// A client's frames are masked; a mask of zeros leaves the bytes as they are.
void send(Client& client, string_view text, char opcode = 1) {
  string frame(1, static_cast<char>(0x80 | opcode));
  if (text.size() < 126) {
    frame.push_back(static_cast<char>(0x80 | text.size()));
  } else {
    frame.push_back(static_cast<char>(0x80 | 126));
    frame.push_back(static_cast<char>(text.size() >> 8));
    frame.push_back(static_cast<char>(text.size() & 255));
  }
  frame.append(4, '\0').append(text);
  if (write(client.socket, frame.data(), frame.size()) != static_cast<ssize_t>(frame.size())) fail("cannot write");
}

void connectNext() {
  const int index = begun++;
  Client& client = clients[index];
  client.node = index % static_cast<int>(ports.size());
  client.socket = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(ports[client.node]);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(client.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) fail("cannot connect");
  const int on = 1;
  setsockopt(client.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(client.socket, F_SETFL, O_NONBLOCK);
  const string request =
      "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  if (write(client.socket, request.data(), request.size()) < 0) fail("cannot write");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = index;
  epoll_ctl(epoll, EPOLL_CTL_ADD, client.socket, &event);
}

void connectMore() {
  while (begun < static_cast<int>(clients.size()) && begun - ready < HANDSHAKES) connectNext();
}

void becomeReady() {
  if (++ready == static_cast<int>(clients.size())) puts("READY");
  connectMore();
}

int64_t numberAfter(string_view text, string_view name) {
  const size_t at = text.find(name);
  return at == string_view::npos ? 0 : strtoll(text.data() + at + name.size(), nullptr, 10);
}

bool isEvent(string_view frame) {
  const string_view start = frame.substr(0, 32);
  return start.find("[\"position\"") == string_view::npos && start.find("[\"session.") == string_view::npos &&
         start.find("[\"closing\"") == string_view::npos;
}

// Enough of a frame to tell it from every other: its name, the topic, the position before it, the event's id.
constexpr size_t HEAD_BYTES = 240;

const Reading& read(string_view frame) {
  const string_view head = frame.substr(0, HEAD_BYTES);
  if (frame.size() == last.length && head == last.head) return last;
  last = {string(head), frame.size(), 0, numberAfter(frame, "\"position\":")};
  if (!isEvent(frame)) return last;
  const bool isBatch = frame.substr(0, 32).find("[\"events\"") != string_view::npos;
  if (!isBatch) last.events = 1;
  // The frame has a `prev` of its own.
  else
    for (size_t at = frame.find("\"prev\":"); (at = frame.find("\"prev\":", at + 1)) != string_view::npos;) last.events++;
  return last;
}

void takeEvents(const Client& client, string_view frame, int64_t instant) {
  const Reading& reading = read(frame);
  if (reading.events == 0) return;
  frames++;
  events += reading.events;
  inRound += reading.events;
  if (keepsTimes) arrivals[reading.position].push_back({instant, client.node});
  for (const int64_t all = clients.size(); inRound >= all; inRound -= all) puts("ROUND");
}

void takeText(Client& client, string_view text, int64_t instant) {
  if (text == "2") return send(client, "3");
  if (text.substr(0, 1) == "0") return send(client, signIn);
  const string_view kind = text.substr(0, 2);
  if (kind == "42") return takeEvents(client, text, instant);
  if (kind == "40") {
    if (subscribe.empty()) return becomeReady();
    return send(client, subscribe);
  }
  if (kind == "43" && text.find("[{\"ok\":true") != string_view::npos) return becomeReady();
  fail("was refused: " + string(text.substr(0, 200)));
}

// Takes the complete frames off the front. Returns how many bytes they were.
size_t takeFrames(Client& client, string_view data, int64_t instant) {
  size_t done = 0;
  while (done + 2 <= data.size()) {
    const auto byte = [&](size_t index) { return static_cast<unsigned char>(data[done + index]); };
    size_t length = byte(1) & 127, header = 2;
    const size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (done + header + extra > data.size()) break;
    if (extra > 0) length = 0;
    for (size_t index = 0; index < extra; index++) length = length << 8 | byte(2 + index);
    header += extra;
    if (done + header + length > data.size()) break;
    if ((byte(0) & 15) == 1) takeText(client, data.substr(done + header, length), instant);
    done += header + length;
  }
  return done;
}

void leave(Client& client) {
  closed++;
  epoll_ctl(epoll, EPOLL_CTL_DEL, client.socket, nullptr);
  close(client.socket);
}

void receive(Client& client) {
  static char buffer[256 * 1024];
  const ssize_t count = ::read(client.socket, buffer, sizeof buffer);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) return leave(client);
  string_view data(buffer, count);
  if (!client.rest.empty()) data = client.rest.append(data);
  size_t done = 0;
  if (!client.upgraded) {
    const size_t end = data.find("\r\n\r\n");
    if (end == string_view::npos) fail("no answer to the upgrade");
    if (data.substr(0, 12) != "HTTP/1.1 101") fail("was refused: " + string(data.substr(0, 60)));
    client.upgraded = true;
    done = end + 4;
  }
  done += takeFrames(client, data.substr(done), keepsTimes ? now() : 0);
  string rest(data.substr(done));
  client.rest.swap(rest);
}

void printTimes(const char* name, std::vector<double>& milliseconds) {
  if (milliseconds.empty()) return;
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto at = [&](double share) { return milliseconds[static_cast<size_t>((milliseconds.size() - 1) * share)]; };
  printf(",\"%s\":{\"count\":%zu,\"p50\":%.3f,\"p99\":%.3f}", name, milliseconds.size(), at(0.5), at(0.99));
}

void printResult() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto msOf = [](timeval time) { return time.tv_sec * 1e3 + time.tv_usec / 1e3; };
  printf("STOPPED {\"frames\":%lld,\"events\":%lld,\"closed\":%d,\"cpuMs\":%.1f", static_cast<long long>(frames),
         static_cast<long long>(events), closed, msOf(usage.ru_utime) + msOf(usage.ru_stime));
  std::vector<double> all, byNode[NODES];
  for (const auto& [position, sent] : sentAt)
    for (const auto& [at, node] : arrivals[position]) {
      all.push_back((at - sent) / 1e6);
      byNode[node].push_back((at - sent) / 1e6);
    }
  printTimes("times", all);
  printTimes("node0", byNode[0]);
  printTimes("node1", byNode[1]);
  puts("}");
}

void obey(const string& line) {
  long long position, instant;
  if (line == "start" || line == "time") {
    frames = events = inRound = 0;
    arrivals.clear();
    sentAt.clear();
    keepsTimes = line == "time";
  } else if (sscanf(line.c_str(), "sent %lld %lld", &position, &instant) == 2) {
    sentAt[position] = instant;
  } else if (line == "stop") {
    printResult();
    keepsTimes = false;
  } else {
    fail("unknown command " + line);
  }
}

void readInput() {
  static string input;
  char buffer[64 * 1024];
  const ssize_t count = ::read(0, buffer, sizeof buffer);
  if (count <= 0) exit(0);
  input.append(buffer, count);
  for (size_t end; (end = input.find('\n')) != string::npos; input.erase(0, end + 1)) obey(input.substr(0, end));
}

}  // namespace

int main(int count, char** values) {
  if (count < 5) fail("too few arguments");
  clients.resize(atoi(values[1]));
  signIn = values[2];
  subscribe = values[3];
  for (int index = 4; index < count; index++) ports.push_back(atoi(values[index]));
  setvbuf(stdout, nullptr, _IOLBF, 0);
  epoll = epoll_create1(0);
  epoll_event input{};
  input.events = EPOLLIN;
  input.data.u32 = INPUT;
  epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &input);
  connectMore();
  for (epoll_event found[512];;) {
    const int some = epoll_wait(epoll, found, 512, -1);
    for (int index = 0; index < some; index++) {
      const uint32_t who = found[index].data.u32;
      if (who == INPUT) readInput();
      else receive(clients[who]);
    }
  }
}
