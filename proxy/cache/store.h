// The stored responses of all workers: bounded in bytes, and in the order of S3-FIFO, by which what was asked for once
// and never again does not drive out what is asked for often. Any thread; part of the process, not of a configuration.
//
//   put --> small (a tenth) --asked for again--> main --asked for since--> main, once more
//              | never                            | never
//              v                                  v
//            ghosts: only hashes; who comes back from there goes to main at once       gone
//
// Shards by the hash of the key, each with a mutex that is held for a look-up or a move of list nodes: never for a copy
// of bytes, nor while an entry is destroyed.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "proxy/cache/entry.h"

namespace gatehouse::cache {

class Store {
 public:
  explicit Store(std::size_t memory) : memory_(memory) {}
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Null: there is none. What has expired is found, too.
  EntryPtr find(std::string_view key);
  // Takes the place of what was there. False: it is too large, more than a quarter of all memory.
  bool put(std::string key, EntryPtr entry);
  void remove(std::string_view key);
  // Forgets all keys that begin like that, and returns how many there were.
  std::size_t purge(std::string_view prefix);
  // What does not fit any more goes at once.
  void set_memory(std::size_t bytes);

  std::size_t memory() const { return memory_.load(std::memory_order_relaxed); }
  // Never more than memory(), but for what is being answered with and has gone meanwhile.
  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  std::size_t entries() const { return entries_.load(std::memory_order_relaxed); }
  // For want of memory, since the start.
  std::uint64_t evictions() const { return evictions_.load(std::memory_order_relaxed); }

  // The bytes of responses on their way into the store. A reservation grows as they come, and gives them back with its
  // end; all together have a quarter of the memory, beyond which a response is not stored.
  class Reservation {
   public:
    explicit Reservation(Store& store) : store_(store) {}
    ~Reservation() { store_.arriving_.fetch_sub(bytes_, std::memory_order_relaxed); }
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;
    bool grow(std::size_t bytes);

   private:
    Store& store_;
    std::size_t bytes_ = 0;
  };

 private:
  static constexpr std::size_t kShards = 16;
  struct Node {
    std::string key;
    EntryPtr entry;
    std::size_t bytes = 0;
    // How often it was asked for since it came here; three at most.
    std::uint8_t asked = 0;
    bool in_main = false;
  };
  using Nodes = std::list<Node>;
  // A share of the keys. The oldest of each list is in front.
  struct Shard {
    std::mutex mutex;
    Nodes small;
    Nodes main;
    std::size_t small_bytes = 0;
    std::size_t main_bytes = 0;
    // Ordered, so that no choice of keys makes a look-up slow, and a purge finds what begins alike.
    std::map<std::string_view, Nodes::iterator> by_key;
    std::deque<std::size_t> ghosts;
    std::unordered_set<std::size_t> ghost_set;

    Nodes& list_of(const Node& node) { return node.in_main ? main : small; }
    std::size_t& bytes_of(const Node& node) { return node.in_main ? main_bytes : small_bytes; }
    // Takes the node out into `gone`, to be destroyed when the mutex is free.
    void take_out(Nodes::iterator node, Nodes& gone);
    void remember(std::size_t hash);
    bool comes_back(std::size_t hash);
    std::size_t bytes() const { return small_bytes + main_bytes; }
    // Takes the node out that has to go next; false: there is none.
    bool evict(Nodes& gone);
    bool evict_small(Nodes& gone);
    bool evict_main(Nodes& gone);
  };

  Shard& shard_of(std::size_t hash) { return shards_[hash % kShards]; }
  void forget(const Nodes& gone);
  // Until there is room for so many bytes more.
  void make_room(std::size_t bytes);

  std::array<Shard, kShards> shards_;
  std::atomic<std::size_t> memory_;
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::size_t> entries_{0};
  std::atomic<std::size_t> arriving_{0};
  std::atomic<std::uint64_t> evictions_{0};
  // Which shard gives next.
  std::atomic<std::size_t> turn_{0};
};

}  // namespace gatehouse::cache
