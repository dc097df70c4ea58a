#include "common/buffer.h"

#include <sys/uio.h>

#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/slab_pool.h"

namespace gatehouse {
namespace {

std::string letters(std::size_t size, unsigned seed = 0) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 7 + seed + i / 251) % 26);
  return text;
}

int runs(const Buffer& buffer) {
  int count = 0;
  buffer.for_each([&](std::string_view run) { count += run.empty() ? 1000 : 1; });
  return count;
}

void read_into(Buffer& buffer, std::string_view bytes, std::size_t at_least = 1) {
  const std::span<char> room = buffer.prepare(at_least);
  ASSERT_GE(room.size(), bytes.size());
  std::memcpy(room.data(), bytes.data(), bytes.size());
  buffer.commit(bytes.size());
}

// Each test starts and ends with no slab held by anybody.
class BufferTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(slab_pool::outstanding(), 0U); }
  void TearDown() override { EXPECT_EQ(slab_pool::outstanding(), 0U); }
};

TEST_F(BufferTest, AnEmptyOneHoldsNoSlabAndHasNoRuns) {
  Buffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.front(), "");
  EXPECT_EQ(runs(buffer), 0);
  buffer.append("");
  buffer.append(Buffer());
  buffer.consume(0);
  EXPECT_TRUE(buffer.split(0).empty());
  EXPECT_EQ(slab_pool::outstanding(), 0U);
}

TEST_F(BufferTest, SmallTextsOfManyBuffersShareOneSlab) {
  std::vector<Buffer> buffers(200);
  for (Buffer& buffer : buffers) buffer.append("nine bits");
  EXPECT_LE(slab_pool::outstanding(), 1U);
  for (const Buffer& buffer : buffers) EXPECT_EQ(buffer.to_string(), "nine bits");
}

TEST_F(BufferTest, TextsAppendedOneByOneMakeOneRun) {
  Buffer buffer;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    buffer.append("field: value\r\n");
    expected += "field: value\r\n";
  }
  EXPECT_LE(runs(buffer), 2);  // two where the shared slab came to its end
  EXPECT_EQ(buffer.to_string(), expected);
}

TEST_F(BufferTest, TwoBuffersThatGrowInTurnsKeepTheirOwnBytes) {
  Buffer a;
  Buffer b;
  std::string expected_a;
  std::string expected_b;
  for (int i = 0; i < 500; ++i) {
    a.append("AAA" + std::to_string(i));
    b.append("bb" + std::to_string(i));
    expected_a += "AAA" + std::to_string(i);
    expected_b += "bb" + std::to_string(i);
  }
  EXPECT_EQ(a.to_string(), expected_a);
  EXPECT_EQ(b.to_string(), expected_b);
}

TEST_F(BufferTest, AfterASplitOnlyTheHolderOfTheLastByteExtendsTheSlab) {
  Buffer back;
  read_into(back, "head|tail");
  Buffer front = back.split(5);
  front.append("FRONT");
  back.append("BACK");
  front.append("more");
  EXPECT_EQ(front.to_string(), "head|FRONTmore");
  EXPECT_EQ(back.to_string(), "tailBACK");
  EXPECT_EQ(runs(back), 1) << "it extends where it lies";
  EXPECT_EQ(runs(front), 2);
}

TEST_F(BufferTest, TheOnlyHolderOfASlabExtendsItAgain) {
  Buffer front;
  read_into(front, "head|tail");
  {
    Buffer all = std::move(front);
    front = all.split(5);
  }
  front.append("more");
  EXPECT_EQ(runs(front), 1);
  EXPECT_EQ(front.to_string(), "head|more");
}

TEST_F(BufferTest, RoomThatIsPreparedIsNotGivenToAnotherHolder) {
  Buffer one;
  one.append("one");
  const std::span<char> room = one.prepare(100);
  Buffer other;
  other.append("other");
  std::memset(room.data(), 'x', 100);
  one.commit(100);
  other.append("!");
  EXPECT_EQ(other.to_string(), "other!");
  EXPECT_EQ(one.to_string(), "one" + std::string(100, 'x'));
}

TEST_F(BufferTest, PrepareUsesTheRoomOfTheLastSlabIfItIsEnough) {
  Buffer buffer;
  read_into(buffer, letters(1000), 16384);
  EXPECT_EQ(buffer.prepare(15384).size(), 15384U);
  buffer.commit(0);
  EXPECT_EQ(slab_pool::outstanding(), 1U);
  EXPECT_EQ(buffer.prepare(15385).size(), Buffer::kSlabSize);
  EXPECT_EQ(slab_pool::outstanding(), 2U);
  buffer.commit(0);
  EXPECT_EQ(slab_pool::outstanding(), 1U) << "room that was not used goes back";
  EXPECT_EQ(buffer.to_string(), letters(1000));
}

TEST_F(BufferTest, NothingReadIntoAnEmptyOneLeavesItWithoutASlab) {
  Buffer buffer;
  static_cast<void>(buffer.prepare(4096));
  buffer.commit(0);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(slab_pool::outstanding(), 0U);
}

TEST_F(BufferTest, JoiningMovesLargeSegmentsAndCopiesSmallOnes) {
  Buffer chain;
  read_into(chain, letters(2000));
  const char* first = chain.front().data();
  Buffer small;
  read_into(small, "small");
  chain.append(std::move(small));
  EXPECT_EQ(runs(chain), 1);
  EXPECT_EQ(slab_pool::outstanding(), 1U) << "the small one's slab is free again";
  Buffer large;
  read_into(large, letters(9000, 3));
  const char* second = large.front().data();
  chain.append(std::move(large));
  ASSERT_EQ(runs(chain), 2);
  EXPECT_TRUE(large.empty());  // NOLINT(bugprone-use-after-move): the header promises an empty one
  EXPECT_EQ(chain.front().data(), first);
  EXPECT_EQ(chain.to_string(), letters(2000) + "small" + letters(9000, 3));
  chain.consume(2005);
  EXPECT_EQ(chain.front().data(), second);
}

TEST_F(BufferTest, PartsOfOneSlabThatComeTogetherAreOneRunAgain) {
  Buffer back;
  read_into(back, letters(12000));
  Buffer front = back.split(6000);
  front.append(std::move(back));
  EXPECT_EQ(runs(front), 1);
  EXPECT_EQ(front.to_string(), letters(12000));
}

TEST_F(BufferTest, ConsumingGivesEachSlabBackAsSoonAsItIsUsedUp) {
  Buffer buffer;
  buffer.append(letters(5 * Buffer::kSlabSize));
  EXPECT_EQ(slab_pool::outstanding(), 5U);
  buffer.consume(Buffer::kSlabSize - 1);
  EXPECT_EQ(slab_pool::outstanding(), 5U);
  buffer.consume(1);
  EXPECT_EQ(slab_pool::outstanding(), 4U);
  buffer.consume(3 * Buffer::kSlabSize + 1);
  EXPECT_EQ(slab_pool::outstanding(), 1U);
  EXPECT_EQ(buffer.to_string(), letters(5 * Buffer::kSlabSize).substr(4 * Buffer::kSlabSize + 1));
}

TEST_F(BufferTest, IovecsShowTheFirstRunsUpToTheLimit) {
  Buffer buffer;
  buffer.append(letters(5 * Buffer::kSlabSize));
  buffer.consume(10);
  struct iovec entries[8];
  ASSERT_EQ(buffer.iovecs(entries, 8), 5);
  EXPECT_EQ(entries[0].iov_len, Buffer::kSlabSize - 10);
  EXPECT_EQ(entries[4].iov_len, Buffer::kSlabSize);
  EXPECT_EQ(entries[0].iov_base, buffer.front().data());
  EXPECT_EQ(buffer.iovecs(entries, 2), 2);
}

TEST_F(BufferTest, MovesLeaveTheSourceEmptyAndUsable) {
  Buffer source(letters(3 * Buffer::kSlabSize));
  Buffer target(std::move(source));
  EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move)
  source.append("again");
  EXPECT_EQ(source.to_string(), "again");
  target = std::move(source);
  EXPECT_EQ(target.to_string(), "again");
  EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move)
}

// The same random operations on a few buffers and on strings; they must agree after every step.
class Model {
 public:
  explicit Model(unsigned seed) : random_(seed) {}

  void step() {
    const std::size_t a = pick(kBuffers);
    const std::size_t b = (a + 1 + pick(kBuffers - 1)) % kBuffers;
    switch (pick(7)) {
      case 0:
        append_text(a);
        break;
      case 1:
        read(a);
        break;
      case 2:
        buffers_[a].append(std::move(buffers_[b]));
        texts_[a] += std::exchange(texts_[b], {});
        break;
      case 3:
        split(a, b);
        break;
      case 4:
        consume(a);
        break;
      case 5:
        std::swap(buffers_[a], buffers_[b]);
        std::swap(texts_[a], texts_[b]);
        break;
      default:
        if (texts_[a].size() > std::size_t{200} * 1024) {
          buffers_[a].clear();
          texts_[a].clear();
        }
    }
    for (const std::size_t i : {a, b}) {
      ASSERT_EQ(buffers_[i].size(), texts_[i].size());
      ASSERT_TRUE(buffers_[i].to_string() == texts_[i]);
      ASSERT_LT(runs(buffers_[i]), 1000) << "an empty run";
    }
  }

 private:
  static constexpr std::size_t kBuffers = 4;

  std::size_t pick(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }
  std::size_t pick_size() { return pick(3) == 0 ? pick(40000) : pick(300); }
  std::string make(std::size_t size) { return letters(size, static_cast<unsigned>(pick(1000))); }

  void append_text(std::size_t a) {
    const std::string text = make(pick_size());
    buffers_[a].append(text);
    texts_[a] += text;
  }
  void read(std::size_t a) {
    const std::span<char> room = buffers_[a].prepare(1 + pick(Buffer::kSlabSize));
    const std::string text = make(pick(2) == 0 ? room.size() : pick(std::min<std::size_t>(room.size(), 500)));
    Buffer elsewhere("written while the room is reserved");
    std::memcpy(room.data(), text.data(), text.size());
    buffers_[a].commit(text.size());
    texts_[a] += text;
  }
  void split(std::size_t a, std::size_t b) {
    const std::size_t count = pick(texts_[a].size() + 1);
    buffers_[b] = buffers_[a].split(count);
    texts_[b] = texts_[a].substr(0, count);
    texts_[a].erase(0, count);
  }
  void consume(std::size_t a) {
    const std::size_t count = pick(texts_[a].size() + 1);
    buffers_[a].consume(count);
    texts_[a].erase(0, count);
  }

  std::mt19937 random_;
  Buffer buffers_[kBuffers];
  std::string texts_[kBuffers];
};

TEST_F(BufferTest, AgreesWithStringsOverRandomOperations) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    Model model(seed);
    for (int i = 0; i < 400 && !HasFatalFailure(); ++i) model.step();
  }
}

TEST_F(BufferTest, TheSteadyStateTakesNoNewSlab) {
  Buffer buffer;
  buffer.append(letters(100000));
  buffer.clear();
  const auto pass_a_message = [&] {
    Buffer head("HTTP/1.1 200 OK\r\n\r\n");
    Buffer body;
    read_into(body, letters(16000));
    head.append(std::move(body));
    buffer.append(std::move(head));
    buffer.consume(buffer.size());
  };
  pass_a_message();  // the first takes the slab that small texts share
  const std::size_t kept = slab_pool::kept();
  for (int i = 0; i < 100; ++i) pass_a_message();
  EXPECT_EQ(slab_pool::kept(), kept);
}

TEST_F(BufferTest, ThePoolKeepsABoundedNumberOfFreeSlabs) {
  {
    std::vector<Buffer> buffers(slab_pool::kMaxKept + 50);
    for (Buffer& buffer : buffers) buffer.append(letters(2000));
    EXPECT_EQ(slab_pool::outstanding(), buffers.size());
  }
  EXPECT_EQ(slab_pool::kept(), slab_pool::kMaxKept);
}

TEST_F(BufferTest, ThreadsHavePoolsOfTheirOwnThatEndWithThem) {
  std::thread([] {
    Buffer small("small");
    Buffer large(letters(50000));
    EXPECT_EQ(slab_pool::outstanding(), 4U);  // 50000 bytes; the small one lies in the scratch slab
    large.clear();
    EXPECT_EQ(slab_pool::kept(), 4U);
  }).join();
  EXPECT_EQ(slab_pool::outstanding(), 0U);
}

}  // namespace
}  // namespace gatehouse
