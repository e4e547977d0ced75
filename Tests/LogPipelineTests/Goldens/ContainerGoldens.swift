extension Goldens {
    static let containers: [Golden] = [
        Golden(
            "docker: the line with its newline, stream, time", "- docker: {}",
            [#"{"log":"log message\n","stream":"stderr","time":"2019-04-30T02:12:41.844351500Z"}"#],
            ["{job=\"j\", stream=\"stderr\"} 2019-04-30T02:12:41.8443515Z log message\n"]),
        Golden(
            "docker: what is not of Docker stays as it is", "- docker:", ["2019-04-30T02:12:41.8443515Z stderr F message", "[1]"],
            [#"{job="j"} now 2019-04-30T02:12:41.8443515Z stderr F message"#, #"{job="j"} now+1 [1]"#]),
        Golden(
            "docker: a time that cannot be read is one nanosecond behind the last", "- docker: {}",
            [
                #"{"log":"a","stream":"stdout","time":"2026-11-21T07:00:00Z"}"#, #"{"log":"b","stream":"stdout","time":"?"}"#,
                #"{"log":"c","stream":"stderr"}"#,
            ],
            [
                #"{job="j", stream="stdout"} 2026-11-21T07:00:00Z a"#, #"{job="j", stream="stdout"} 2026-11-21T07:00:00.000000001Z b"#,
                #"{job="j", stream="stderr"} now c"#,
            ]),
        Golden(
            "docker: records that Docker has split stay apart", "- docker: {}",
            [
                #"{"log":"first half, ","stream":"stdout","time":"2026-11-21T07:00:00Z"}"#,
                #"{"log":"second half\n","stream":"stdout","time":"2026-11-21T07:00:00Z"}"#,
            ],
            [
                #"{job="j", stream="stdout"} 2026-11-21T07:00:00Z first half, "#,
                "{job=\"j\", stream=\"stdout\"} 2026-11-21T07:00:00Z second half\n",
            ]),
        Golden(
            "cri: time with a zone, stream, content with spaces", "- cri: {}",
            ["2019-05-07T18:57:55.904275087+03:00 stdout F  some  full line ", "2019-05-07T18:57:56Z stderr F "],
            [
                #"{job="j", stream="stdout"} 2019-05-07T15:57:55.904275087Z  some  full line "#,
                #"{job="j", stream="stderr"} 2019-05-07T18:57:56Z "#,
            ]),
        Golden(
            "cri: other lines stay as they are", "- cri: {}",
            ["2019-05-07T18:57:55Z stdin F x", "2019-05-07T18:57:55Z stdout F", "text", ""],
            [
                #"{job="j"} now 2019-05-07T18:57:55Z stdin F x"#, #"{job="j"} now+1 2019-05-07T18:57:55Z stdout F"#,
                #"{job="j"} now+2 text"#, #"{job="j"} now+3 "#,
            ]),
        Golden(
            "cri: parts are put together, with the time of the last", "- cri: {}",
            [
                "2026-11-21T07:00:00Z stderr P partial ", "2026-11-21T07:00:01Z stderr P and more ", "2026-11-21T07:00:02Z stderr F end",
                "2026-11-21T07:00:03Z stderr F alone",
            ],
            [
                #"{job="j", stream="stderr"} 2026-11-21T07:00:02Z partial and more end"#,
                #"{job="j", stream="stderr"} 2026-11-21T07:00:03Z alone"#,
            ]),
        Golden(
            "cri: each stream has parts of its own", "- cri: {}",
            [
                "2026-11-21T07:00:00Z stdout P out ", "2026-11-21T07:00:01Z stderr P err ", "2026-11-21T07:00:02Z stdout F one",
                .of(["job": "k"], "2026-11-21T07:00:03Z stderr F other"), "2026-11-21T07:00:04Z stderr F two",
            ],
            [
                #"{job="j", stream="stdout"} 2026-11-21T07:00:02Z out one"#, #"{job="k", stream="stderr"} 2026-11-21T07:00:03Z other"#,
                #"{job="j", stream="stderr"} 2026-11-21T07:00:04Z err two"#,
            ]),
        Golden(
            "cri: only the flag P alone is a part", "- cri: {}", ["2026-11-21T07:00:00Z stdout P:x tagged"],
            [#"{job="j", stream="stdout"} 2026-11-21T07:00:00Z tagged"#]),
        Golden(
            "cri: max_partial_lines counts streams that wait; when one more part comes all of them go", "- cri: {max_partial_lines: 2}",
            [
                "2026-11-21T07:00:00Z stdout P a1 ", "2026-11-21T07:00:01Z stderr P b1 ", "2026-11-21T07:00:02Z stdout P a2 ",
                "2026-11-21T07:00:03Z stdout F a3",
            ],
            [
                #"{job="j", stream="stdout"} 2026-11-21T07:00:00Z a1 "#, #"{job="j", stream="stderr"} 2026-11-21T07:00:01Z b1 "#,
                #"{job="j", stream="stdout"} 2026-11-21T07:00:03Z a2 a3"#,
            ]),
        Golden(
            "cri: parts that go without their end have the time of the last one", "- cri: {}",
            ["2026-11-21T07:00:00Z stdout P a ", "2026-11-21T07:00:01Z stdout P b", .stop],
            [#"{job="j", stream="stdout"} 2026-11-21T07:00:01Z a b"#], differs: "it never sends parts without their end"),
        Golden(
            "cri: parts do not wait for ever", "- cri: {}",
            ["2026-11-21T07:00:00Z stdout P a", .silence(4), .silence(2), "2026-11-21T07:00:07Z stdout F b"],
            [#"{job="j", stream="stdout"} 2026-11-21T07:00:00Z a"#, #"{job="j", stream="stdout"} 2026-11-21T07:00:07Z b"#],
            differs: "it would wait on, and lose them at a stop"),
        Golden(
            "cri: joined lines are cut, others not", "- cri: {max_partial_line_size: 5, max_partial_line_size_truncate: true}",
            ["2026-11-21T07:00:00Z stdout P abc", "2026-11-21T07:00:01Z stdout F defg", "2026-11-21T07:00:02Z stdout F a long line"],
            [#"{job="j", stream="stdout"} 2026-11-21T07:00:01Z abcde"#, #"{job="j", stream="stdout"} 2026-11-21T07:00:02Z a long line"#]),
        Golden(
            "cri: a size alone does not cut", "- cri: {max_partial_line_size: 5}",
            ["2026-11-21T07:00:00Z stdout P abc", "2026-11-21T07:00:01Z stdout F defg"],
            [#"{job="j", stream="stdout"} 2026-11-21T07:00:01Z abcdefg"#]),
        Golden(
            "cri: cutting without a size does nothing", "- cri: {max_partial_line_size_truncate: true}",
            ["2026-11-21T07:00:00Z stdout P abc", "2026-11-21T07:00:01Z stdout F defg"],
            [#"{job="j", stream="stdout"} 2026-11-21T07:00:01Z abcdefg"#], differs: "it leaves an empty line"),
        Golden(
            "cri: a label `tags` is a label", "- cri: {}", [.of(["job": "j", "tags": "prod"], "2026-11-21T07:00:00Z stdout F the line")],
            [#"{job="j", stream="stdout", tags="prod"} 2026-11-21T07:00:00Z the line"#], differs: "the label takes the line's place"),
        Golden(
            "cri: a time that cannot be read is one nanosecond behind the last", "- cri: {}",
            ["2026-11-21T07:00:00Z stdout F a", "yesterday stdout F b", "yesterday stderr F c"],
            [
                #"{job="j", stream="stdout"} 2026-11-21T07:00:00Z a"#, #"{job="j", stream="stdout"} 2026-11-21T07:00:00.000000001Z b"#,
                #"{job="j", stream="stderr"} now c"#,
            ]),
    ]
}
