// Values by labels (a metric's series) that one worker adds to and the scrape reads at the same time, without a lock:
// the list only ever grows at its head, and what is published never moves or changes its labels. What the scrape
// reads of a value is made of Counter. A member of the worker's metrics; at() is for the worker's thread only,
// for_each() for any.
#pragma once

#include <atomic>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gatehouse {

template <class Value>
class SeriesList {
 public:
  // The values of the labels; their names belong to the family that shows them.
  using Labels = std::vector<std::string>;

  // Configurations come and go with reloads; past this many series the rest share one whose labels are all "other".
  static constexpr std::size_t kMaxSeries = 10'000;

  SeriesList() = default;
  SeriesList(const SeriesList&) = delete;
  SeriesList& operator=(const SeriesList&) = delete;

  // The value of these labels, made when first asked for. Good for the life of the list. The worker's thread only.
  Value& at(std::initializer_list<std::string_view> labels) {
    if (recent_ != nullptr && matches(*recent_, labels)) return recent_->value;  // requests come in runs
    Node*& chain = by_hash_[hash(labels)];
    for (Node* node = chain; node != nullptr; node = node->same_hash) {
      if (matches(*node, labels)) return (recent_ = node)->value;
    }
    if (nodes_.size() < kMaxSeries) return add(chain, Labels(labels.begin(), labels.end()));
    if (overflow_ == nullptr) {
      Node* unlisted = nullptr;
      overflow_ = &add(unlisted, Labels(labels.size(), "other"));
    }
    return *overflow_;
  }

  // Calls visit(const Labels&, const Value&) once for each series that was there at the start, newest first. Any
  // thread: the values may change meanwhile.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const Node* node = head_.load(std::memory_order_acquire); node != nullptr; node = node->older) {
      visit(node->labels, node->value);
    }
  }

 private:
  //   head_ (atomic) --> newest --older--> ... --older--> oldest     what readers follow; set once, before publication
  //   by_hash_[hash] --> newest --same_hash--> ...                   what the worker looks up
  struct Node {
    Labels labels;
    Value value;
    const Node* older = nullptr;
    // The worker's alone.
    Node* same_hash = nullptr;
  };

  static std::size_t hash(std::initializer_list<std::string_view> labels) {
    std::size_t sum = 0;
    for (const std::string_view label : labels) sum = sum * 1'000'003 + std::hash<std::string_view>{}(label);
    return sum;
  }

  static bool matches(const Node& node, std::initializer_list<std::string_view> labels) {
    if (node.labels.size() != labels.size()) return false;
    std::size_t i = 0;
    for (const std::string_view label : labels) {
      if (node.labels[i++] != label) return false;
    }
    return true;
  }

  // Makes a node, puts it in front of its chain and publishes it.
  Value& add(Node*& chain, Labels labels) {
    auto node = std::make_unique<Node>();
    node->labels = std::move(labels);
    node->older = head_.load(std::memory_order_relaxed);
    node->same_hash = chain;
    chain = node.get();
    nodes_.push_back(std::move(node));
    head_.store(nodes_.back().get(), std::memory_order_release);
    return nodes_.back()->value;
  }

  std::vector<std::unique_ptr<Node>> nodes_;
  std::unordered_map<std::size_t, Node*> by_hash_;
  // The one that at() returned last.
  Node* recent_ = nullptr;
  // Of the series "other", once there is one.
  Value* overflow_ = nullptr;
  std::atomic<const Node*> head_{nullptr};
};

}  // namespace gatehouse
