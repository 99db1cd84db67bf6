import Benchmarking
import Testing

@Suite("A stopwatch")
struct StopwatchTests {
  /// What happened, on clocks that go forward when somebody runs.
  private final class Course {
    var now = (wall: 0.0, cpu: 0.0)
    var runs: [String] = []
    var rates: [Double] = []

    func contender(_ name: String, takes wall: Double, _ cpu: Double) -> Contender {
      Contender(name: name, operations: 12) {
        self.now.wall += wall
        self.now.cpu += cpu
        self.runs.append(name)
      }
    }

    func stopwatch(
      rounds: Int, tries: Int = 1, patience: Int = 0, isGated: Bool = false
    ) -> Stopwatch {
      Stopwatch(
        rounds: rounds, tries: tries, patience: patience,
        probe: isGated ? { self.rates.isEmpty ? 100 : self.rates.removeFirst() } : nil,
        clock: { Moment(wall: self.now.wall, cpu: self.now.cpu) })
    }
  }

  @Test("lets everybody run once a round, each round beginning with another")
  func order() throws {
    #expect((0..<4).map { Stopwatch.order(of: 3, inRound: $0)[0] } == [0, 1, 2, 0])
    #expect(Stopwatch.order(of: 3, inRound: 1) == [1, 2, 0])
    let course = Course()
    let timings = try course.stopwatch(rounds: 2).time([
      course.contender("a", takes: 1, 2), course.contender("b", takes: 3, 6),
    ])
    // The first two are not counted.
    #expect(course.runs == ["a", "b", "a", "b", "b", "a"])
    #expect(timings.map(\.name) == ["a", "b"])
    #expect(timings.map(\.samples.count) == [2, 2])
    #expect(timings.map(\.wall) == [1, 3])
    #expect(timings.map(\.cpu) == [2, 6])
    #expect(timings.map(\.rate) == [6, 2])
  }

  @Test("does what surrounds a run without timing it, and after an error too")
  func surroundings() throws {
    struct Failure: Error {}
    let course = Course()
    let stopwatch = course.stopwatch(rounds: 1)
    let contender = Contender(
      name: "a", prepare: { course.now.wall += 50 }, finish: { course.now.wall += 70 },
      run: { course.now.wall += 1 })
    #expect(try stopwatch.time([contender], isWarm: true)[0].wall == 1)
    #expect(course.now.wall == 121)
    let failing = Contender(
      name: "a", finish: { course.runs.append("finished") }, run: { throw Failure() })
    #expect(throws: Failure.self) { try stopwatch.time([failing]) }
    #expect(course.runs == ["finished"])
  }

  @Test("trusts a run only where the loop was fast before and after it")
  func gate() {
    var gate = QuietGate(margin: 0.1)
    var quiet: [Bool] = []
    for rate in [50.0, 100, 91, 89] { quiet.append(gate.admits(rate)) }
    #expect(quiet == [true, true, true, false])
    #expect(gate.best == 100)
  }

  @Test("repeats a run that was disturbed, and says where none was quiet")
  func repeats() throws {
    let course = Course()
    // Quiet before, disturbed after; then quiet throughout.
    course.rates = [100, 50, 100, 100]
    let twice = try course.stopwatch(rounds: 1, tries: 3, isGated: true).time(
      [course.contender("a", takes: 1, 1)], isWarm: true)
    #expect(course.runs.count == 2)
    #expect(twice[0].wasQuiet)

    let other = Course()
    other.rates = [100] + [Double](repeating: 20, count: 20)
    let never = try other.stopwatch(rounds: 1, tries: 3, patience: 2, isGated: true).time(
      [other.contender("a", takes: 1, 1)], isWarm: true)
    #expect(other.runs.count == 3)
    #expect(!never[0].wasQuiet)
    #expect(never[0].samples == [Sample(wall: 1, cpu: 1, isQuiet: false)])
  }
}
