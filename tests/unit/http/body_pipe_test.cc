#include "proxy/http/exchange/body_pipe.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "common/waker.h"

namespace gatehouse {
namespace {

Buffer bytes(std::size_t count) {
  return Buffer(std::string(count, 'x'));
}

TEST(BodyPipe, GivesBackWhatWasWrittenAndTheTrailers) {
  BodyPipe pipe;
  pipe.writer().write(Buffer("hel"));
  pipe.writer().write(Buffer("lo"));
  EXPECT_EQ(pipe.reader().available(), 5U);
  EXPECT_EQ(pipe.reader().peek().to_string(), "hello");
  EXPECT_EQ(pipe.reader().read(2).to_string(), "he");
  FieldList trailers;
  trailers.add("T", "u");
  pipe.writer().finish(std::move(trailers));
  EXPECT_TRUE(pipe.reader().finished());
  EXPECT_FALSE(pipe.reader().at_end());
  pipe.reader().consume(1);
  EXPECT_EQ(pipe.reader().read(100).to_string(), "lo");
  EXPECT_TRUE(pipe.reader().at_end());
  EXPECT_FALSE(pipe.reader().failed());
  EXPECT_EQ(pipe.reader().trailers().find("T"), "u");
  EXPECT_EQ(pipe.writer().total(), 5U);
  EXPECT_EQ(pipe.reader().total(), 5U);
}

TEST(BodyPipe, HasRoomForItsCapacityAndNoMore) {
  BodyPipe pipe(10);
  EXPECT_EQ(pipe.writer().room(), 10U);
  pipe.writer().write(bytes(4));
  EXPECT_EQ(pipe.writer().room(), 6U);
  pipe.writer().write(bytes(20));  // one read too many is taken
  EXPECT_EQ(pipe.writer().room(), 0U);
  pipe.reader().consume(15);
  EXPECT_EQ(pipe.writer().room(), 1U);
  pipe.writer().finish();
  EXPECT_EQ(pipe.writer().room(), 0U);
}

TEST(BodyPipe, CreditIsWhatLeftAndIsGivenOnce) {
  BodyPipe pipe(100);
  pipe.writer().write(bytes(50));
  EXPECT_EQ(pipe.writer().take_credit(), 0U);
  static_cast<void>(pipe.reader().read(20));
  pipe.reader().consume(5);
  EXPECT_EQ(pipe.writer().take_credit(), 25U);
  EXPECT_EQ(pipe.writer().take_credit(), 0U);
  pipe.reader().abandon();
  EXPECT_EQ(pipe.writer().take_credit(), 25U) << "what is dropped takes no window";
  pipe.writer().write(bytes(7));
  EXPECT_EQ(pipe.writer().take_credit(), 7U);
}

TEST(BodyPipe, AbandonedTakesNothing) {
  BodyPipe pipe;
  pipe.writer().write(bytes(5));
  pipe.reader().abandon();
  EXPECT_TRUE(pipe.writer().abandoned());
  EXPECT_EQ(pipe.writer().room(), 0U);
  EXPECT_EQ(pipe.reader().available(), 0U);
  pipe.writer().write(bytes(5));
  EXPECT_EQ(pipe.reader().available(), 0U);
  EXPECT_EQ(pipe.writer().total(), 10U);
  EXPECT_EQ(pipe.reader().total(), 0U);
}

TEST(BodyPipe, FailureIsNoEnd) {
  BodyPipe pipe;
  pipe.writer().write(bytes(5));
  pipe.writer().fail();
  EXPECT_TRUE(pipe.writer().ended());
  EXPECT_TRUE(pipe.reader().failed());
  EXPECT_EQ(pipe.reader().read(100).size(), 5U) << "what came is still there";
  EXPECT_FALSE(pipe.reader().finished());
  EXPECT_FALSE(pipe.reader().at_end());
}

TEST(BodyPipe, FailureAfterTheEndChangesNothing) {
  BodyPipe pipe;
  pipe.writer().finish();
  pipe.writer().fail();
  EXPECT_TRUE(pipe.reader().at_end());
  EXPECT_FALSE(pipe.reader().failed());
}

TEST(BodyPipe, NothingBeyondTheLimitReachesTheReader) {
  BodyPipe pipe;
  pipe.set_limit(10);
  pipe.writer().write(bytes(10));
  EXPECT_FALSE(pipe.over_limit());
  EXPECT_GT(pipe.writer().room(), 0U);
  pipe.writer().write(bytes(1));
  EXPECT_TRUE(pipe.over_limit());
  EXPECT_EQ(pipe.writer().room(), 0U);
  EXPECT_EQ(pipe.reader().available(), 10U);
  EXPECT_EQ(pipe.writer().take_credit(), 1U);
  pipe.writer().finish();
  EXPECT_TRUE(pipe.reader().failed()) << "a body that was cut is not complete";
}

TEST(BodyPipe, AnEndIsCleanAfterExactlyWhatWasPromised) {
  for (const std::size_t written : {0U, 4U, 5U, 6U}) {
    BodyPipe pipe;
    pipe.promise(5);
    pipe.writer().write(Buffer(std::string(written, 'x')));
    pipe.writer().finish();
    EXPECT_EQ(pipe.reader().finished(), written == 5) << written;
    EXPECT_EQ(pipe.reader().failed(), written != 5) << written;
    EXPECT_LE(pipe.reader().available(), 5U);
  }
}

TEST(BodyPipe, TrailersThatNobodyTakesAreDropped) {
  BodyPipe pipe;
  pipe.refuse_trailers();
  FieldList trailers;
  trailers.add("a", "b");
  pipe.writer().finish(std::move(trailers));
  EXPECT_TRUE(pipe.reader().finished());
  EXPECT_TRUE(pipe.reader().trailers().empty());
}

TEST(BodyPipe, LimitHoldsForWhatHasCome) {
  BodyPipe pipe;
  pipe.writer().write(bytes(11));
  pipe.set_limit(10);
  EXPECT_TRUE(pipe.over_limit());
  EXPECT_EQ(pipe.reader().available(), 0U);
  EXPECT_EQ(pipe.writer().take_credit(), 11U);
}

class BodyPipeWakers : public ::testing::Test {
 protected:
  BodyPipeWakers() {
    pipe.writer().set_waker(&writer_waker);
    pipe.reader().set_waker(&reader_waker);
  }
  std::string woken() {
    seen.clear();
    loop.turn(EventLoop::Wait::kNever);
    return seen;
  }

  ManualClock clock;
  EventLoop loop{clock};
  std::string seen;
  Waker writer_waker{loop, [this] { seen += 'w'; }};
  Waker reader_waker{loop, [this] { seen += 'r'; }};
  BodyPipe pipe{10};
};

TEST_F(BodyPipeWakers, EachSideIsToldOfTheOtherOnceATurn) {
  EXPECT_EQ(woken(), "");
  pipe.writer().write(bytes(1));
  pipe.writer().write(bytes(1));
  EXPECT_EQ(woken(), "r");
  pipe.writer().write(Buffer());
  EXPECT_EQ(woken(), "");
  pipe.reader().consume(1);
  static_cast<void>(pipe.reader().read(1));
  EXPECT_EQ(woken(), "w");
  static_cast<void>(pipe.reader().read(1));  // nothing there
  EXPECT_EQ(woken(), "");
  pipe.reader().abandon();
  pipe.reader().abandon();
  EXPECT_EQ(woken(), "w");
  pipe.writer().fail();
  EXPECT_EQ(woken(), "r");
  pipe.writer().fail();
  EXPECT_EQ(woken(), "");
}

TEST_F(BodyPipeWakers, EndsAreTold) {
  pipe.writer().finish();
  EXPECT_EQ(woken(), "r");
  pipe.reader().set_waker(nullptr);
  pipe.writer().set_waker(nullptr);
  pipe.reader().abandon();
  EXPECT_EQ(woken(), "");
}

TEST(BodyPipe, EndThatIsRevokedIsABreakBehindWhatWasWritten) {
  BodyPipe pipe;
  pipe.writer().write(Buffer("said"));
  FieldList trailers;
  trailers.add("T", "u");
  pipe.writer().finish(std::move(trailers));
  pipe.revoke_end();
  EXPECT_TRUE(pipe.writer().ended());
  EXPECT_FALSE(pipe.reader().finished());
  EXPECT_TRUE(pipe.reader().failed());
  EXPECT_EQ(pipe.reader().read(100).to_string(), "said");
  EXPECT_FALSE(pipe.reader().at_end());
  EXPECT_TRUE(pipe.reader().trailers().empty());
}

// Passes everything but "!", at which it breaks.
class UpToTheMark final : public BodyFilter {
 public:
  Buffer push(Buffer bytes) override {
    const std::string text = bytes.to_string();
    broken_ = text.contains('!');
    return Buffer(text.substr(0, text.find('!')));
  }
  FieldList end(FieldList trailers) override {
    trailers.add("Ended", broken_ ? "early" : "well");
    return trailers;
  }
  std::optional<Fault> fault() const override { return broken_ ? std::optional(Fault::kInternalError) : std::nullopt; }

 private:
  bool broken_ = false;
};

TEST(BodyPipe, FilterSeesTheBodyAndItsEnd) {
  BodyPipe pipe;
  pipe.set_filter(std::make_unique<UpToTheMark>());
  pipe.writer().write(Buffer("one "));
  pipe.writer().write(Buffer("two"));
  FieldList trailers;
  trailers.add("T", "u");
  pipe.writer().finish(std::move(trailers));
  EXPECT_EQ(pipe.reader().read(100).to_string(), "one two");
  EXPECT_TRUE(pipe.reader().at_end());
  EXPECT_EQ(pipe.reader().trailers().find("T"), "u");
  EXPECT_EQ(pipe.reader().trailers().find("Ended"), "well");
}

TEST(BodyPipe, FaultOfTheFilterEndsTheBodyThere) {
  BodyPipe pipe;
  pipe.set_filter(std::make_unique<UpToTheMark>());
  pipe.writer().write(Buffer("one! two"));
  EXPECT_TRUE(pipe.writer().ended());
  EXPECT_EQ(pipe.writer().room(), 0U);
  EXPECT_EQ(pipe.reader().read(100).to_string(), "one");
  EXPECT_TRUE(pipe.reader().at_end());
  EXPECT_EQ(pipe.reader().trailers().find("Ended"), "early");
}

}  // namespace
}  // namespace gatehouse
