// Values by labels (a metric's series) that one worker adds to and the scrape reads at the same time, without a lock:
// the list only ever grows at its head, and what is published never moves or changes its labels. Values are made of
// Counter. Owned by the worker's metrics; at() on the worker's thread only, for_each() on any.
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
  using Labels = std::vector<std::string>;

  // Configurations come and go with reloads; past this many series the rest share one whose labels are all "other".
  static constexpr std::size_t kMaxSeries = 10'000;

  SeriesList() = default;
  SeriesList(const SeriesList&) = delete;
  SeriesList& operator=(const SeriesList&) = delete;

  // The value of these labels, made when first asked for. Good for the life of the list.
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

  // visit(const Labels&, const Value&) for each, newest first.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const Node* node = head_.load(std::memory_order_acquire); node != nullptr; node = node->older) {
      visit(node->labels, node->value);
    }
  }

 private:
  struct Node {
    Labels labels;
    Value value;
    const Node* older = nullptr;
    Node* same_hash = nullptr;  // the worker's alone
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
  Node* recent_ = nullptr;
  Value* overflow_ = nullptr;
  std::atomic<const Node*> head_{nullptr};
};

}  // namespace gatehouse
