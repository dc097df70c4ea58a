#include "proxy/cache/store.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace gatehouse::cache {

namespace {

constexpr std::uint8_t kMostAsked = 3;
constexpr std::size_t kSmallShare = 10;  // a tenth
constexpr std::size_t kLargestShare = 4;
// Ghosts beside the keys that are there.
constexpr std::size_t kLeastGhosts = 64;

std::size_t hash_of(std::string_view key) {
  return std::hash<std::string_view>{}(key);
}

}  // namespace

void Store::Shard::take_out(Nodes::iterator node, Nodes& gone) {
  bytes_of(*node) -= node->bytes;
  by_key.erase(node->key);
  gone.splice(gone.end(), list_of(*node), node);
}

void Store::Shard::remember(std::size_t hash) {
  if (!ghost_set.insert(hash).second) return;
  ghosts.push_back(hash);
  while (ghosts.size() > by_key.size() + kLeastGhosts) {
    ghost_set.erase(ghosts.front());
    ghosts.pop_front();
  }
}

// It stays among the ghosts that are to be forgotten, which does no harm.
bool Store::Shard::comes_back(std::size_t hash) {
  return ghost_set.erase(hash) > 0;
}

bool Store::Shard::evict(Nodes& gone) {
  const bool small_first = main.empty() || small_bytes * kSmallShare >= small_bytes + main_bytes;
  return small_first ? evict_small(gone) || evict_main(gone) : evict_main(gone) || evict_small(gone);
}

bool Store::Shard::evict_small(Nodes& gone) {
  while (!small.empty()) {
    const Nodes::iterator oldest = small.begin();
    if (oldest->asked == 0) {
      remember(hash_of(oldest->key));
      take_out(oldest, gone);
      return true;
    }
    oldest->asked = 0;
    oldest->in_main = true;
    small_bytes -= oldest->bytes;
    main_bytes += oldest->bytes;
    main.splice(main.end(), small, oldest);
  }
  return false;
}

bool Store::Shard::evict_main(Nodes& gone) {
  while (!main.empty()) {
    const Nodes::iterator oldest = main.begin();
    if (oldest->asked == 0) {
      take_out(oldest, gone);
      return true;
    }
    --oldest->asked;
    main.splice(main.end(), main, oldest);
  }
  return false;
}

EntryPtr Store::find(std::string_view key) {
  Shard& shard = shard_of(hash_of(key));
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_key.find(key);
  if (found == shard.by_key.end()) return nullptr;
  Node& node = *found->second;
  if (node.asked < kMostAsked) ++node.asked;
  return node.entry;
}

bool Store::put(std::string key, EntryPtr entry) {
  const std::size_t bytes = entry->bytes() + key.size() + sizeof(Node);
  if (bytes > memory() / kLargestShare) return false;
  make_room(bytes);
  const std::size_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  Nodes gone;
  Nodes added;
  added.push_back({.key = std::move(key), .entry = std::move(entry), .bytes = bytes});
  {
    const std::lock_guard lock(shard.mutex);
    Node& node = added.front();
    const auto known = shard.by_key.find(node.key);
    if (known != shard.by_key.end()) {
      node.in_main = known->second->in_main;
      node.asked = known->second->asked;
      shard.take_out(known->second, gone);
    } else {
      node.in_main = shard.comes_back(hash);
    }
    shard.bytes_of(node) += bytes;
    shard.by_key.emplace(node.key, added.begin());
    Nodes& list = shard.list_of(node);
    list.splice(list.end(), added);
  }
  entries_.fetch_add(1, std::memory_order_relaxed);
  forget(gone);
  return true;
}

void Store::remove(std::string_view key) {
  Shard& shard = shard_of(hash_of(key));
  Nodes gone;
  {
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.by_key.find(key);
    if (found != shard.by_key.end()) shard.take_out(found->second, gone);
  }
  forget(gone);
}

std::size_t Store::purge(std::string_view prefix) {
  std::size_t count = 0;
  for (Shard& shard : shards_) {
    Nodes gone;
    {
      const std::lock_guard lock(shard.mutex);
      auto at = shard.by_key.lower_bound(prefix);
      while (at != shard.by_key.end() && at->first.starts_with(prefix)) {
        const Nodes::iterator node = at->second;
        ++at;
        shard.take_out(node, gone);
      }
    }
    count += gone.size();
    forget(gone);
  }
  return count;
}

void Store::set_memory(std::size_t bytes) {
  memory_.store(bytes, std::memory_order_relaxed);
  make_room(0);
}

// Reserves them, so that two who come at once do not take the same room. Shards give in turn, but one that has little
// gives only where all have: it would give what is asked for often.
void Store::make_room(std::size_t bytes) {
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  std::size_t spared_in_row = 0;
  while (bytes_.load(std::memory_order_relaxed) > memory() && spared_in_row < 2 * kShards) {
    const std::size_t least = spared_in_row < kShards ? memory() / kShards : 0;
    Shard& shard = shards_[turn_.fetch_add(1, std::memory_order_relaxed) % kShards];
    Nodes gone;
    {
      const std::lock_guard lock(shard.mutex);
      if (shard.bytes() > least) shard.evict(gone);
    }
    spared_in_row = gone.empty() ? spared_in_row + 1 : 0;
    evictions_.fetch_add(gone.size(), std::memory_order_relaxed);
    forget(gone);
  }
}

void Store::forget(const Nodes& gone) {
  for (const Node& node : gone) bytes_.fetch_sub(node.bytes, std::memory_order_relaxed);
  entries_.fetch_sub(gone.size(), std::memory_order_relaxed);
}

bool Store::Reservation::grow(std::size_t bytes) {
  bytes_ += bytes;
  const std::size_t arriving = store_.arriving_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  return arriving <= store_.memory() / kLargestShare;
}

}  // namespace gatehouse::cache
